"""The options of conf/ as a reader sees them: each key with its value as written, and the comment that explains it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

COMMENT = re.compile(r"(?:^|\s)#\s?(.*)$")
DIRECTIVE = re.compile(r"# @package \S+")


@dataclass(frozen=True)
class Entry:
    """One key of a file."""

    key: str
    """Dotted, from the top of the file"""
    value: str
    """As written, on one line"""
    comment: str


def head(path: Path) -> str:
    """The comment that a file begins with, or that stands behind its first line of defaults; without Hydra's part."""
    lines = path.read_text(encoding="utf-8").splitlines()
    top = []
    for line in lines:
        if not line.startswith("#"):
            break
        if not DIRECTIVE.match(line):
            top.append(line.removeprefix("#").strip())
    if not top and lines and lines[0].startswith("defaults:") and (match := COMMENT.search(lines[0])):
        top = [match[1]]
    return " ".join(top).strip()


def entries(path: Path) -> list[Entry]:
    """The keys of a file in their order, but for those of Hydra and OmegaConf: `defaults`, `_target_`, …"""
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text)
    if not isinstance(root, yaml.MappingNode):
        return []
    lines = text.splitlines()
    places = list(_places(root, ""))
    starts = {key.start_mark.line: key.start_mark.column for _, key, _ in places}
    return [Entry(name, _written(text, value), _comment(lines, key, value, starts)) for name, key, value in places]


def _places(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if key.value.startswith("_") or name == "defaults":
            continue
        if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
            yield from _places(value, f"{name}.")
        else:
            yield name, key, value


def _written(text: str, value: yaml.Node) -> str:
    return " ".join(text[value.start_mark.index : value.end_mark.index].split("#")[0].split())


def _comment(lines: list[str], key: yaml.Node, value: yaml.Node, starts: dict[int, int]) -> str:
    """What stands above the key, behind it, and below it in the column of a comment."""
    line, column = key.start_mark.line, key.start_mark.column
    above: list[str] = []
    for i in range(line - 1, -1, -1):
        stripped = lines[i].strip()
        if not stripped.startswith("#") or lines[i].index("#") != column or _is_head(lines, i):
            break
        above.insert(0, stripped.removeprefix("#").strip())
    behind = COMMENT.search(lines[line][value.end_mark.column if value.end_mark.line == line else 0 :])
    below: list[str] = []
    for following in lines[line + 1 :]:
        stripped = following.strip()
        if not stripped.startswith("#") or following.index("#") <= column + 2:
            break
        below.append(stripped.removeprefix("#").strip())
    return "; ".join(" ".join(text.split()) for text in [*above, *([behind[1]] if behind else []), *below])


def _is_head(lines: list[str], i: int) -> bool:
    """Does line i belong to the comment that the file begins with?"""
    return all(line.startswith("#") for line in lines[: i + 1])
