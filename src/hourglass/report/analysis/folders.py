"""Several folders in one report: what their runs share, and what differs between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hourglass.core.text import counted, percent
from hourglass.report.reading.configurations import is_interpolated, is_treatment
from hourglass.report.reading.run import ABSENT, Run, value_of
from hourglass.report.reading.runs import Sweep

MOST_KEYS, MOST_VALUES = 40, 6
"""Keys of the configuration in the table, and values in a cell of it"""
FACTS: Mapping[str, Callable[[Run], object]] = {
    "data": lambda run: run.choices.get("data", ""),
    "test images": lambda run: run.data.get("test_fingerprint") or run.data.get("fingerprint", ""),
    "seeds": lambda run: run.seed,
    "hourglass": lambda run: run.versions.get("hourglass", ""),
    "torch": lambda run: run.versions.get("torch", ""),
    "hardware": lambda run: run.hardware.get("device", ""),
}
"""Beside the configuration: what else the runs of two folders may differ in"""
ON_OTHER_MACHINES = (
    "Their runs were measured on different hardware: seconds, latencies and images per second say nothing about the "
    "configurations."
)
OTHER_IMAGES = "Their test images are not all the same: only runs of the same images are paired."


@dataclass(frozen=True)
class Folders:
    names: list[str]
    """Of the folders, as they were given"""
    shared: dict[str, str]
    """What all have the same of -> what it is"""
    rows: list[list[str]]
    """What differs: its name, and its values in each folder"""
    sentences: list[str]


def folders(sweep: Sweep) -> Folders | None:
    """None for the report of one folder."""
    if not sweep.parts:
        return None
    parts = [part.runs for part in sweep.parts]
    facts = {name: [_values(map(read, runs)) for runs in parts] for name, read in FACTS.items()}
    commits = [_values(map(_commit, part.info.get("invocations", []))) for part in sweep.parts]
    facts |= {"commit": commits} if any(map(any, commits)) else {}
    shared = {name: of_parts[0] for name, of_parts in facts.items() if len(set(of_parts)) == 1 and any(of_parts[0])}
    differ = {name: of_parts for name, of_parts in facts.items() if len(set(of_parts)) > 1}
    settings = _settings(sweep, parts)
    left_out = max(0, len(settings) - MOST_KEYS)
    sentences = [*_twice(sweep.parts), *([OTHER_IMAGES] * ("test images" in differ))]
    sentences += [ON_OTHER_MACHINES] * ("hardware" in differ)
    sentences += [f"{counted(left_out, 'more key')} of the configuration that differ are left out."] * bool(left_out)
    rows = {"runs": [[str(len(runs))] for runs in parts]} | dict(list(settings.items())[:MOST_KEYS]) | differ
    return Folders(
        [str(part.folder) for part in sweep.parts],
        {name: _cell(values) for name, values in shared.items()},
        [[name, *map(_cell, of_parts)] for name, of_parts in rows.items()],
        sentences,
    )


def _values(values: Iterable[object]) -> tuple[str, ...]:
    """As text, each once; seeds in their order."""
    return tuple(map(str, sorted(set(values), key=lambda value: (not isinstance(value, int), value))))


def _cell(values: Sequence[str]) -> str:
    if len(values) > 2 and all(value.isdigit() for value in values):
        numbers = list(map(int, values))
        if numbers == list(range(numbers[0], numbers[-1] + 1)):
            return f"{numbers[0]} to {numbers[-1]}"
    more = f", and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
    return ", ".join(value or "–" for value in values[:MOST_VALUES]) + more or "–"


def _commit(invocation: Mapping[str, object]) -> str:
    git = invocation.get("git")
    return f"{git['commit'][:12]}{' with changes' * bool(git['dirty'])}" if isinstance(git, dict) else ""


def _settings(sweep: Sweep, parts: Sequence[Sequence[Run]]) -> dict[str, list[tuple[str, ...]]]:
    """Keys of the configuration whose values differ between the folders -> their values in each: first what the labels
    name, then what does not follow from an option that differs itself."""
    written = dict.fromkeys(key for run in sweep.runs for key in run.config if key != "seed" and is_treatment(run, key))
    keys = [key for key in dict.fromkeys([*sweep.varied, *written]) if key != "data"]
    found: dict[str, list[tuple[str, ...]]] = {}
    for key in keys:
        below = key not in sweep.varied and (key.split(".")[0] in found or is_interpolated(sweep.runs, key))
        of_parts = [] if below else [_values(value_of(run, key) for run in runs) for runs in parts]
        if len(set(of_parts)) > 1:
            found[key] = [values if values != (ABSENT,) else () for values in of_parts]
    return found


def _twice(parts: Sequence[Sweep]) -> list[str]:
    """A sentence on the runs that several folders have, and whether they came to the same result."""
    results: dict[str, list[float]] = {}
    for run in (run for part in parts for run in part.runs):
        results.setdefault(run.id, []).append(run.metrics.get("test/mse", float("nan")))
    both = [values for values in results.values() if len(values) > 1]
    if not both:
        return []
    most = max((max(values) - min(values)) / abs(min(values)) if min(values) else 0.0 for values in both)
    result = f"test/mse that differs by up to {percent(most)}" if most > 1e-9 else "the same test/mse"
    return [f"{counted(len(both), 'run')} in more than one of them, counted once: {result}."]
