"""A folder of runs, read: what was trained and measured, what was varied, and what came to no result. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hourglass import states
from hourglass.errors import DataError
from hourglass.report.files import UNREADABLE, read_beside, read_config, read_json
from hourglass.report.run import ABSENT, shown, value_of
from hourglass.report.run import Run as Run

PRESETS = ("experiment", "model")
"""Groups whose options choose among the other groups."""
REASONS = {
    "planned": "missing: it has no folder, the sweep has not come to it",
    "running": "still running: make the report again when it is done",
    "interrupted": "stopped before its end: the same command continues it",
    "pruned": "stopped by the search, for it was behind the others",
}


@dataclass(frozen=True)
class Problem:
    """A job without a result; or a file that cannot be read, of a run that may have a result all the same."""

    id: str
    status: str
    """planned, running, failed, diverged, incompatible, interrupted, pruned; torn; repeated: a newer run is the same"""
    reason: str
    overrides: list[str]
    folder: Path


@dataclass
class Configuration:
    """What was trained, apart from the seed."""

    label: str
    values: dict[str, str]
    """Varied key -> value as one types it, without the keys that this configuration does not have"""
    runs: list[Run]
    """One a seed, by seed"""


@dataclass
class Sweep:
    folder: Path
    name: str
    info: dict[str, Any]
    """`sweep.json`; empty for a mere folder of runs"""
    runs: list[Run]
    """The completed ones, in the order of `sweep.json`, then by folder"""
    others: list[Problem]

    @cached_property
    def varied(self) -> list[str]:
        return _varied(self.runs)


def read(folder: str | Path) -> Sweep:
    """The folder of a sweep, a folder of runs, or one run. What cannot be read is named in `others`, never left out.

    Raises DataError where there is no run at all.
    """
    folder = Path(folder)
    info: dict[str, Any] = {}
    jobs: dict[str, list[str]] = {}
    others: list[Problem] = []
    if (folder / "sweep.json").exists():
        try:
            info = read_json(folder / "sweep.json")
            jobs = {job: entry["overrides"] for job, entry in info["jobs"].items()}
        except UNREADABLE as error:
            others.append(Problem("sweep.json", "torn", f"{folder / 'sweep.json'}: {error}", [], folder))
    common = set.intersection(*map(set, jobs.values())) if len(jobs) > 1 else set()
    more = [path for path in sorted(folder.glob("*")) if _is_run(path) and path.name not in jobs]
    folders = [folder] if _is_run(folder) else [*(folder / job for job in jobs), *more]
    if not folders:
        what = "holds no run" if folder.is_dir() else "does not exist"
        raise DataError(f"{folder} {what}: give the folder of a sweep (logs/sweeps/NAME), of runs, or of one run")
    runs: dict[str, Run] = {}
    for path in folders:
        run, problems = _read_run(path, [one for one in jobs.get(path.name, []) if one not in common])
        others += problems
        if run is not None:
            if run.id in runs:
                older = runs.pop(run.id)
                reason = f"{path} has the same configuration and seed, and is newer"
                others.append(Problem(older.id, "repeated", reason, older.overrides, older.folder))
            runs[run.id] = run
    return Sweep(folder, info.get("name") or folder.resolve().name, info, list(runs.values()), others)


def _is_run(path: Path) -> bool:
    return (path / "summary.json").is_file() or (path / ".hydra").is_dir()


def _read_run(folder: Path, overrides: list[str]) -> tuple[Run | None, list[Problem]]:
    identity, path = folder.name.split("-")[-1], folder / "summary.json"
    try:
        summary = read_json(path) if path.exists() else {}
        overrides = overrides or summary.get("overrides", [])
        if summary.get("status") != "completed":
            status = states.status_of(folder)
            reason = summary.get("error") or REASONS.get(status, f"see {folder}")
            return None, [Problem(identity, status, reason, overrides, folder)]
        taken = {key: summary[key] for key in OPTIONAL if summary.get(key)}
        taken |= {key: summary[key] for key in ("id", "choices", "seed")}
        taken |= {key: _floats(summary[key]) for key in ("metrics", "cost")}
        path = folder / ".hydra" / "config.yaml"
        raw, config = read_config(path)
    except UNREADABLE as error:
        reason = f"{path}: {type(error).__name__}: {error}"
        return None, [Problem(identity, "torn", reason, overrides, folder)]
    files, wrong = read_beside(folder)
    run = Run(folder, raw=raw, config=config, overrides=overrides, files=files, **taken)
    return run, [Problem(run.id, "torn", reason, overrides, folder) for reason in wrong]


OPTIONAL = ("floors", "ratios", "health", "versions", "hardware", "data", "channels")
"""Keys of `summary.json` that came later."""


def _floats(values: dict[str, float | None]) -> dict[str, float]:
    """JSON has no NaN: what was not finite is null there."""
    return {name: float("nan") if value is None else value for name, value in values.items()}


def varied(sweep: Sweep) -> list[str]:
    """What was swept: groups (`decoder`) and dotted keys (`optimizer.lr`) whose values differ between the runs.

    What follows from a choice is left out (all runs of one `decoder` have one `decoder.up.kernel_size`), and so are
    keys that only interpolate another (`encoder.channels: ${channels}`), and the seed. Where whole nodes are there or
    not, as between versions of this package, one key stands for them.
    """
    return sweep.varied


def _varied(runs: Sequence[Run]) -> list[str]:
    groups = dict.fromkeys(group for run in runs for group in run.choices)
    keys = dict.fromkeys(key for run in runs for key in run.config if key != "seed")
    written = [key for key in keys if not _is_interpolated(runs, key)]
    written.sort(key=lambda key: "._" in key)  # `_target_` only where there is nothing else
    found = [key for key in (*groups, *written) if not _follows(runs, key)]
    alike: dict[str, str] = {}
    for key in found:
        values = [value_of(run, key) for run in runs]
        only_there = len({*values} - {ABSENT}) == 1
        alike.setdefault(str([value == ABSENT for value in values]) if only_there else key, key)
    return list(alike.values())


def _is_interpolated(runs: Sequence[Run], key: str) -> bool:
    """Is `key` the same interpolation wherever it is there?"""
    raw = {shown(run.raw[key]) for run in runs if key in run.raw}
    return len(raw) == 1 and "${" in raw.pop()


def _follows(runs: Sequence[Run], key: str) -> bool:
    """Is `key` the same in all runs that agree in the choices that may set it: the presets', and its own group's?"""
    choices = [*PRESETS, key.split(".")[0]]
    if key in choices:
        choices = choices[: choices.index(key)]
    levels: dict[tuple[str, ...], str] = {}
    return all(
        levels.setdefault(tuple(value_of(run, choice) for choice in choices), value_of(run, key)) == value_of(run, key)
        for run in runs
    )


def configurations(sweep: Sweep) -> list[Configuration]:
    """The distinct configurations, in the order in which they ran, the seeds of each together."""
    together: dict[tuple[str, ...], list[Run]] = {}
    for run in sweep.runs:
        together.setdefault(tuple(value_of(run, key) for key in sweep.varied), []).append(run)
    return [
        Configuration(
            label=_label(runs[0], sweep.varied) or _label(runs[0], ["encoder", "decoder"]),
            values={key: value for key, value in zip(sweep.varied, values, strict=True) if value != ABSENT},
            runs=sorted(runs, key=lambda run: run.seed),
        )
        for values, runs in together.items()
    ]


def _label(run: Run, keys: Sequence[str]) -> str:
    return ", ".join(f"{key}={value}" for key in keys if (value := value_of(run, key)) != ABSENT)
