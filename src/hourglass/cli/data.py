"""`data`: the decoded pictures that runs share, listed and cleared. No torch."""

import json
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import counted, duration, printable

HELP = """hourglass data [list] [cache=logs/pictures]
    The images that runs have decoded: how many of which shape, size on disk, when they were used last, what they were
    made from.
hourglass data clear KEY … [cache=logs/pictures] [yes=true]
    Removes entries, each named by the first letters of its key; all: every one. They are decoded again when they are
    needed. yes=true: without asking."""
KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Entry:
    folder: Path
    about: str
    images: str
    size: int
    """Bytes"""
    used: float
    """Seconds since the epoch"""


def main(arguments: list[str]) -> None:
    if {"-h", "--help"} & set(arguments):
        print(HELP)
        return
    options = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    words = [argument for argument in arguments if "=" not in argument] or ["list"]
    if unknown := set(options) - {"cache", "yes"}:
        raise ConfigError(f"{unknown.pop()}= is no option of data: it has cache= and yes=")
    if options.get("yes", "false") not in ("true", "false"):
        raise ConfigError(f"yes={options['yes']}: true or false")
    cache = expanded(options.get("cache", "logs/pictures"))
    if words[0] == "clear" and len(words) > 1:
        clear(cache, words[1:], sure=options.get("yes") == "true")
    elif words == ["list"]:
        show(cache)
    else:
        raise ConfigError(f"data {' '.join(words)}: either data list, or data clear KEY …\n\n{HELP}")


def show(cache: Path) -> None:
    found = entries(cache)
    if not found:
        print(f"no decoded pictures in {cache}")
        return
    for entry in found:
        ago = duration(max(0.0, time.time() - entry.used))
        print(
            f"{entry.folder.name[:12]}  {entry.images:>18}  {_megabytes(entry.size):>10}  used {ago} ago  {entry.about}"
        )
    print(f"{counted(len(found), 'set')} in {cache}, {_megabytes(sum(entry.size for entry in found))}")


def clear(cache: Path, keys: list[str], *, sure: bool) -> None:
    """Remove the entries whose keys begin so, once that is confirmed."""
    found = entries(cache)
    chosen = found if keys == ["all"] else [entry for entry in found if entry.folder.name.startswith(tuple(keys))]
    for key in keys:
        if key != "all" and not any(entry.folder.name.startswith(key) for entry in found):
            raise ConfigError(f"no decoded pictures in {cache} have a key that begins with {key}: data list shows them")
    what = f"{counted(len(chosen), 'set')} of decoded pictures, {_megabytes(sum(entry.size for entry in chosen))}"
    if not chosen:
        print(f"no decoded pictures in {cache}")
    elif sure or confirmed(f"remove {what}?"):
        for entry in chosen:
            shutil.rmtree(entry.folder)
            (cache / f"{entry.folder.name}.lock").unlink(missing_ok=True)
        print(f"removed {what}")


def confirmed(question: str) -> bool:
    """What the user says; raises ConfigError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise ConfigError(f"{question} There is no terminal to ask on: say yes=true")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def entries(cache: Path) -> list[Entry]:
    """Those of a folder of decoded pictures, the one used last first; whatever else lies there is left alone."""
    found = []
    for folder in cache.iterdir() if cache.is_dir() else ():
        images, card = folder / "images.npy", folder / "card.json"
        if KEY.fullmatch(folder.name) and not folder.is_symlink() and images.is_file() and card.is_file():
            about, shape = _described(card)
            size = sum(file.stat().st_size for file in folder.iterdir())
            found.append(Entry(folder, about, shape, size, card.stat().st_mtime))
    return sorted(found, key=lambda entry: -entry.used)


def _described(card: Path) -> tuple[str, str]:
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        of = content.get("root") or content.get("font") or content["what"]
        return str(printable(str(of))), "×".join(str(int(n)) for n in content["images"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "damaged: clear it", "?"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
