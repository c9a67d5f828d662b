"""The runs below a folder, as far as their files tell; links are not followed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hourglass.core.errors import DataError
from hourglass.core.text import printable
from hourglass.runs.read import read_summary
from hourglass.runs.status import status_of

DEEPEST = 5
"""Levels of folders that are looked into."""


@dataclass(frozen=True)
class Found:
    """A folder, of a run where `is_run` says so."""

    folder: Path
    sweep: Path | None
    """The sweep that it lies in"""

    @cached_property
    def status(self) -> str:
        if (ended := self.summary.get("status", "running")) != "running":  # read once, whoever holds the lock
            return str(ended)
        try:
            return str(printable(status_of(self.folder)))
        except (DataError, OSError):
            return "torn"

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Empty where there is none, or none that can be read."""
        try:
            return read_summary(self.folder) or {}
        except (DataError, OSError):
            return {}

    @property
    def network(self) -> str:
        """`conv/maxpool-transpose`"""
        choices = self.summary.get("choices", {})
        pair = "-".join(choices[group] for group in ("encoder", "decoder") if group in choices)
        return "/".join(part for part in (choices.get("model", ""), pair) if part) or "–"

    @property
    def mse(self) -> float | None:
        return self.summary.get("metrics", {}).get("test/mse")

    @cached_property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(_size(Path(folder, name)) for folder, _, names in os.walk(self.folder) for name in names)

    @cached_property
    def changed(self) -> float:
        """When, in seconds since 1970."""
        path = self.folder / "summary.json"
        return (path if path.is_file() else self.folder).lstat().st_mtime

    def value(self, key: str) -> str:
        """Of one of the keys by which runs are chosen; empty where it is not known."""
        if key == "status":
            return self.status
        if key == "sweep":
            return self.sweep.name if self.sweep else ""
        if key in ("id", "seed"):
            return str(self.summary.get(key, ""))
        return str(self.summary.get("choices", {}).get(key, ""))

    def matches(self, chosen: dict[str, list[str]]) -> bool:
        return all(self.value(key) in values for key, values in chosen.items())


def find(folder: Path) -> list[Found]:
    """Every run at `folder` and below, by path. Raises DataError where there is no such folder."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: name one that holds runs, as logs does once something was trained")
    return [one for one in folders(folder) if is_run(one.folder)]


def folders(folder: Path) -> Iterator[Found]:
    """This folder and those below it by path, runs and others; into runs is not looked."""
    inside_a_sweep = folder.parent if (folder.parent / "sweep.json").is_file() else None
    return _walk(folder, inside_a_sweep, 0)


def is_run(folder: Path) -> bool:
    return (folder / "summary.json").is_file() or (folder / ".hydra").is_dir()


def _walk(folder: Path, sweep: Path | None, depth: int) -> Iterator[Found]:
    yield Found(folder, sweep)
    if is_run(folder):
        return
    sweep = folder if (folder / "sweep.json").is_file() else sweep
    try:
        inside = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return  # somebody else's, or gone
    for name in inside if depth < DEEPEST else ():
        yield from _walk(folder / name, sweep, depth + 1)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0  # gone in the meantime
