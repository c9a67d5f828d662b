"""Runs and sweeps as lines of a table."""

import time
from collections import Counter
from pathlib import Path

from hourglass.core.text import as_typed, counted, number
from hourglass.core.text import printable as escaped
from hourglass.runs.status import STATUSES
from hourglass.sweeps.overview.find import Found, find

HEAD = ("status", "network", "seed", "data", "test MSE", "size", "age", "folder")
RIGHT = ("seed", "test MSE", "size", "age")


def listing(folder: Path, chosen: dict[str, list[str]]) -> str:
    """A line for each run that matches; without a choice, and above a sweep, a line for each sweep."""
    found = [run for run in find(folder) if run.matches(chosen)]
    together: dict[Path, list[Found]] = {}
    for run in found:
        alone = run.sweep is None or chosen or run.sweep == folder
        together.setdefault(run.folder if alone else run.sweep or folder, []).append(run)
    rows = [_line(runs[0]) if runs[0].folder == path else _sweep_line(path, runs) for path, runs in together.items()]
    if not rows:
        asked = " ".join(f"{key}={','.join(values)}" for key, values in chosen.items())
        return f"no run below {as_typed(folder)}{f' with {asked}' if asked else ''}"
    total = f"{counted(len(found), 'run')}, {size_of(sum(run.size for run in found))}"
    return str(escaped(f"{table(rows, HEAD)}\n{total}"))


def lines_of(runs: list[Found]) -> list[tuple[str, ...]]:
    return [_line(run) for run in runs]


def table(rows: list[tuple[str, ...]], head: tuple[str, ...]) -> str:
    """Aligned columns, numbers to the right."""
    rows = [tuple(str(escaped(cell)).replace("\n", " ") for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = (
            cell.rjust(width) if name in RIGHT else cell.ljust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def size_of(size: float) -> str:
    """`4.5 MB`"""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _line(run: Found) -> tuple[str, ...]:
    return (
        run.status, run.network, run.value("seed") or "–", run.value("data") or "–", number(run.mse),
        size_of(run.size), _age(run.changed), str(as_typed(run.folder)),
    )  # fmt: skip


def _sweep_line(sweep: Path, runs: list[Found]) -> tuple[str, ...]:
    """How far it is, the data, and its best result."""
    counts = Counter(run.status for run in runs)
    statuses = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    data = sorted({run.value("data") for run in runs} - {""})
    results = [run.mse for run in runs if run.mse is not None]
    return (
        statuses, f"sweep of {len(runs)}", "", ", ".join(data[:2]) + (", …" if len(data) > 2 else ""),
        f"{number(min(results))} at best" if results else "–", size_of(sum(run.size for run in runs)),
        _age(max(run.changed for run in runs)), str(as_typed(sweep)),
    )  # fmt: skip


def _age(changed: float) -> str:
    seconds = max(0.0, time.time() - changed)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
