"""What a command gives beside the hypotheses that a commit holds."""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from hourglass.config.configuration import flat
from hourglass.config.identity import is_volatile, within
from hourglass.config.overrides import parse
from hourglass.core import provenance
from hourglass.sweeps.declaration import KEYS

DECISIVE = {"hydra.sweeper", "hydra/sweeper", "tune", "tuning", "budgets", "search", "reported", *KEYS} - {"fixed"}
"""Keys that change no run by itself, but which there are, or how they are judged"""


def beside(commit: str, overrides: Sequence[str], elsewhere: Iterable[str]) -> list[str] | None:
    """The words of a command that its experiment's file, as it was at a commit, does not name, and the places
    `elsewhere` in which it finds options that no commit of this checkout holds.

    A file names a command where one of its lines, a comment as a rule, has `experiment=…` and every word of it:
    `python train.py -m experiment=upsamplers data=emoji budgets=[500]`. None where the commit has no such file.
    """
    words = {word: parse([word])[0] for word in overrides}
    experiments = [one.value() for one in words.values() if one.key_or_group == "experiment"]
    one_alone = len(experiments) == 1 and isinstance(experiments[0], str)
    text = provenance.file_at(commit, f"conf/experiment/{experiments[0]}.yaml") if one_alone else None
    if text is None:
        return None
    given = [
        word for word, one in words.items() if one.key_or_group != "experiment" and not _harmless(one.key_or_group)
    ]
    lines = [set(map(_bare, _words(line))) for line in text.splitlines()]
    named = (line for line in lines if f"experiment={experiments[0]}" in line)
    missing = [[word for word in given if _bare(word) not in line] for line in named]
    return [*min(missing, key=len, default=given), *elsewhere]


def of_this_machine(conf: Path) -> list[str]:
    """The files in `local/` of the options, which git ignores, that set more than where and how a run is carried out:
    `conf/local/default.yaml`."""
    keys = {file.name: _keys_in(file.read_text(encoding="utf-8")) for file in sorted((conf / "local").glob("*.yaml"))}
    return [f"conf/local/{name}" for name, of_it in keys.items() if not all(map(_harmless, of_it))]


def _keys_in(text: str) -> list[str]:
    """The keys that a file of options sets, and the groups of which it chooses an option."""
    options = yaml.safe_load(text) or {}
    package = re.search(r"^#\s*@package\s+(\S+)", text, re.MULTILINE)
    prefix = package[1] if package else "local"
    defaults = [one for one in options.pop("defaults", []) if one != "_self_"]
    chosen = [key for one in defaults for key in (one if isinstance(one, dict) else [one])]
    groups = [re.sub(r"^(override |optional )*/?|@.*$", "", key) for key in chosen]
    return [*groups, *flat(options, "" if prefix == "_global_" else prefix)]


def _harmless(key: str) -> bool:
    """Does it change neither what is run nor how it is judged?"""
    return is_volatile(key) and not any(within(key, one) for one in DECISIVE)


def _words(line: str) -> list[str]:
    """As a shell would take it; a line of prose, with its apostrophes, at its blanks."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _bare(word: str) -> str:
    """Without the quotes of Hydra, and those that a shell would take away."""
    return word.translate({ord(quote): None for quote in "'\""})
