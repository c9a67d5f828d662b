"""What `reconstruct` is asked for, and refusing to overwrite anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hourglass.config.compose import read_options
from hourglass.config.slots import packages_in
from hourglass.config.validation import checked
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.text import command

COMPARISONS = "comparisons"
Fit = Literal["resize", "crop", "tile"]


@dataclass(frozen=True)
class Options:
    """`conf/reconstruct.yaml` with what the command line says."""

    run: str
    images: list[str]
    out: str
    fit: Fit
    compare: bool
    overwrite: bool
    trust: list[str]

    @property
    def folder(self) -> Path:
        return Path(self.out).expanduser()


def parse_options(arguments: list[str]) -> Options:
    """The options; file names may hold whatever file names may hold, so this is no grammar but KEY=VALUE."""
    values = read_options("reconstruct")
    given: dict[str, list[str]] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in values:
            raise ConfigError(
                f"{argument}: reconstruct has the options {', '.join(f'{name}=' for name in values)}; "
                "several pictures are images=a.png images=b.png, a folder, or a pattern in quotes: images='*.png'"
            )
        given.setdefault(key, []).append(value)
    values |= {"images": given.pop("images")} if "images" in given else {}
    values["trust"] = packages_in(given.pop("trust", []))
    for key, texts in given.items():
        if len(texts) > 1:
            raise ConfigError(f"{key} is given {len(texts)} times: give it once")
        is_switch = isinstance(values[key], bool) and texts[0] in ("true", "false")
        values[key] = texts[0] == "true" if is_switch else texts[0]
    for key, value in values.items():
        if value == "???":
            raise ConfigError(f"{key}= is missing; {command('reconstruct')} --help tells what it is")
    return checked(Options, values, "")


def refuse_to_overwrite(names: Mapping[Path, str], options: Options) -> None:
    """Raise before anything is read: inputs are never overwritten, earlier outputs only where that was asked for."""
    out = options.folder
    written_to = {out.resolve(), (out / COMPARISONS).resolve()}
    if inside := next((file for file in names if file.resolve().parent in written_to), None):
        raise ConfigError(f"{inside} lies in out={out}: choose another folder for what is written")
    folders = [out, out / COMPARISONS] if options.compare else [out]
    there = [folder / name for name in names.values() for folder in folders if (folder / name).exists()]
    if there and not options.overwrite:
        raise DataError(f"{there[0]} exists ({len(there)} such files): choose another out=, or overwrite=true")
