"""Every key of the configuration, from the files of conf/ and the signatures that they are checked against.

python tools/configuration_page.py            print it
python tools/configuration_page.py --write    put it into docs/reference/configuration.md, between its two marks
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from annotations import of_part, words
from marked_page import ROOT, print_or_write
from omegaconf import OmegaConf
from yaml_comments import Entry, entries, head

from hourglass.config.compose import CONF, groups, options
from hourglass.config.parts import Settings
from hourglass.config.trainer import RANGES
from hourglass.report.show.options import Options as Show
from hourglass.runs.evaluation.codes.embed_options import Options as Embed
from hourglass.runs.evaluation.codes.probe_options import Options as Probe
from hourglass.runs.evaluation.codes.sample_options import Options as Sample
from hourglass.runs.evaluation.reconstruct_options import Options as Reconstruct
from hourglass.runs.evaluation.request import Options as Evaluate
from hourglass.runs.export.request import Options as Export
from hourglass.sweeps.search.study import SearchSettings
from hourglass.sweeps.tuning.plan import TuningSettings

PAGE = ROOT / "docs" / "reference" / "configuration.md"
BEGIN, END = "<!-- configuration: python tools/configuration_page.py --write -->", "<!-- /configuration -->"
COMMANDS: dict[str, type] = {
    "evaluate": Evaluate, "show": Show, "reconstruct": Reconstruct, "embed": Embed, "probe": Probe, "sample": Sample,
    "export": Export,
}  # fmt: skip
"""Command -> what its options are checked against."""
PRESET = "@package _global_"
HEAD = ["key", "default", "values", ""]
INSIDE = ("down", "up", "source")
"""Where an option names the part that it is about, inside another."""
FIRST = ("model", "encoder", "latent", "decoder", "data", "augmentation", "corruption", "loss", "metrics", "optimizer")


def page() -> str:
    return "\n\n".join([*of_train(), *(block for group in in_order() for block in of_group(group)), *of_commands()])


def in_order() -> list[str]:
    """The groups as the README has them, what is new behind."""
    return [*FIRST, *sorted(set(groups()) - set(FIRST)), "hydra/launcher"]


def of_train() -> Iterator[str]:
    hints = annotated("encoder", CONF / "encoder" / "maxpool.yaml") | _hints(Settings)
    hints |= {f"tuning.{name}": hint for name, hint in _hints(TuningSettings).items()}
    yield "## train"
    yield "The keys of a run that belong to no group, and those of a sweep."
    yield table(entries(CONF / "train.yaml"), hints)


def of_group(group: str) -> Iterator[str]:
    """A heading, the options, and a table of their keys."""
    files = [CONF / group / f"{name}.yaml" for name in options(group)]
    presets = all(PRESET in path.read_text(encoding="utf-8") for path in files) and group != "search"
    yield f"## {group}"
    yield grid(["option", "makes", "with the keys of", ""], map(of_option, files))
    bases = dict.fromkeys(base for path in files for base in chain(path) if base not in files)
    lines: list[list[str]] = []
    for path in [] if presets else [*bases, *files]:
        on = [file for file in files if path in chain(file)]
        option = f"`{path.stem}`" if path in files else "all" if on == files else f"those on `{path.stem}`"
        lines += ([option, *row] for row in rows(group, path))
    if lines:
        yield grid(["option", *HEAD], lines)


def of_option(path: Path) -> list[str]:
    part, below = merged(path), [f"`{base.stem}`" for base in chain(path)]
    inside = next((part[name] for name in INSIDE if "_target_" in (part.get(name) or ())), part)
    makes = f"`{inside['_target_']}`" if "_target_" in inside else ""
    said = re.split(r" python train\.py| Hypotheses", head(path))[0]
    return [f"`{path.stem}`", makes, ", ".join(below), said]


def rows(group: str, path: Path) -> Iterator[list[str]]:
    """A row a key of one file, but for those that say what is made, or are Hydra's."""
    types = annotated(group, path)
    space = "search.space." if path == CONF / "search" / "space.yaml" else ""
    prefix = "" if PRESET in path.read_text(encoding="utf-8") else space or f"{group.replace('/', '.')}."
    for entry in entries(path):
        if not entry.key.startswith("hydra") and (entry.key not in INSIDE or entry.comment):
            yield row(entry, prefix, types)


def of_commands() -> Iterator[str]:
    for command, kind in COMMANDS.items():
        yield f"## {command}"
        yield f"`{head(CONF / f'{command}.yaml')}`"
        yield table(entries(CONF / f"{command}.yaml"), _hints(kind))


def table(of: list[Entry], types: dict[str, Any]) -> str:
    return grid(HEAD, (row(entry, "", types) for entry in of))


def row(entry: Entry, prefix: str, types: dict[str, Any]) -> list[str]:
    kind = words(types[entry.key]) if entry.key in types else words(bool) if entry.value in ("true", "false") else ""
    default = "must be given" if entry.value == "???" else f"`{entry.value}`"
    return [f"`{prefix}{entry.key}`", default, kind, entry.comment]


def grid(titles: list[str], lines: Iterable[list[str]]) -> str:
    """A table, without the columns in which there is nothing."""
    cells = [[re.sub("[ \n]+", " ", text.replace("|", "\\|").replace("<", "&lt;")) for text in line] for line in lines]
    kept = [i for i in range(len(titles)) if any(line[i] for line in cells)]
    shown = [[line[i] for i in kept] for line in [titles, ["---"] * len(titles), *cells]]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


@cache
def chain(path: Path) -> tuple[Path, ...]:
    """The files that one stands on, from the bottom."""
    defaults = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("defaults", [])
    found: list[Path] = []
    for name in (name for name in defaults if isinstance(name, str) and name != "_self_"):
        below = CONF / f"{name[1:].split('@')[0]}.yaml" if name.startswith("/") else path.with_name(f"{name}.yaml")
        found += [*chain(below), below]
    return tuple(dict.fromkeys(found))


def merged(path: Path) -> dict[str, Any]:
    """A file on top of what it stands on."""
    values: Any = OmegaConf.to_container(OmegaConf.merge(*map(OmegaConf.load, (*chain(path), path))))
    return dict(values)


def annotated(group: str, path: Path) -> dict[str, Any]:
    """Key -> annotation, in an option; a base has those of the first option that stands on it."""
    above = path
    if path.parent == CONF / "base":
        above = next(file for file in sorted((CONF / group).glob("*.yaml")) if path in chain(file))
    more = RANGES if group == "trainer" else {}
    if group == "search":
        more = {f"search.{name}": hint for name, hint in _hints(SearchSettings).items()}
    return of_part(merged(above), "") | more


def _hints(of: Any) -> dict[str, Any]:
    return get_type_hints(of, include_extras=True)


if __name__ == "__main__":
    print_or_write(__doc__, PAGE, BEGIN, END, page)
