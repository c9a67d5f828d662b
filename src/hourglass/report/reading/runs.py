"""A folder of runs, read: what was trained and measured, and which jobs have no result. No torch."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hourglass.core.errors import ConfigError, DataError
from hourglass.report.reading.configurations import Configuration, configurations, varied, without_runs
from hourglass.report.reading.files import UNREADABLE, read_beside, read_config
from hourglass.report.reading.run import Problem, Run
from hourglass.runs.read import read_summary, read_sweep
from hourglass.runs.status import status_of

REASONS = {
    "planned": "missing: it has no folder, the sweep has not come to it",
    "running": "still running: make the report again when it is done",
    "interrupted": "stopped before its end: the same command continues it",
    "pruned": "stopped by the search, because other trials did better",
}
NOT_BEGUN = "it has a folder and no summary.json: stopped before its first step, the same command begins it again"


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
        """What was swept, as `hourglass.report.reading.configurations.varied` tells."""
        return varied(self.runs)

    @cached_property
    def configurations(self) -> list[Configuration]:
        """In the order in which they ran."""
        return configurations(self.runs, self.lost, self.varied)

    @property
    def without_runs(self) -> list[str]:
        """What no table shows, because none of its runs was completed: `decoder=carafe (8 diverged)`."""
        return without_runs(self.lost, self.configurations)

    @property
    def lost(self) -> list[Problem]:
        """The jobs without a result; the other problems are torn files, and older repetitions of runs that have one."""
        with_result = {run.id for run in self.runs} | {"sweep.json"}
        return [problem for problem in self.others if problem.id not in with_result]


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
            content = read_sweep(folder)
            info, jobs = content, {job: entry["overrides"] for job, entry in content["jobs"].items()}
        except UNREADABLE as error:
            others.append(Problem("sweep.json", "torn", _reason(error, folder / "sweep.json"), [], folder))
    common = set.intersection(*map(set, jobs.values())) if len(jobs) > 1 else set()
    more = [path for path in sorted(folder.glob("*")) if _is_run(path) and path.name not in jobs]
    folders = [folder] if _is_run(folder) else [*(folder / job for job in jobs), *more]
    if not folders:
        what = "holds no run" if folder.is_dir() else "does not exist"
        raise DataError(f"{folder} {what}: give the folder of a sweep (logs/sweeps/NAME), of runs, or of one run")
    runs: dict[str, Run] = {}
    for path in folders:
        run, problems = _read_run(path, [override for override in jobs.get(path.name, []) if override not in common])
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
    """The run, if it was completed; and what is wrong with it or its files."""
    identity, path = folder.name.split("-")[-1], folder / "summary.json"
    try:
        summary = read_summary(folder) or {}
        overrides = overrides or summary.get("overrides", [])
        if summary.get("status") != "completed":
            status = status_of(folder)
            reasons = REASONS | ({"planned": NOT_BEGUN} if folder.is_dir() else {})
            reason = summary.get("error") or reasons.get(status, f"see {folder}")
            return None, [Problem(identity, status, reason, overrides, folder)]
        taken = {key: summary[key] for key in OPTIONAL if summary.get(key)}
        taken |= {key: summary[key] for key in ("id", "choices", "seed")}
        taken |= {key: _floats(summary[key]) for key in ("metrics", "cost")}
        path = folder / ".hydra" / "config.yaml"
        raw, config = read_config(folder)
    except UNREADABLE as error:
        return None, [Problem(identity, "torn", _reason(error, path), overrides, folder)]
    files, wrong = read_beside(folder)
    run = Run(folder, raw=raw, config=config, overrides=overrides, files=files, **taken)
    return run, [Problem(run.id, "torn", reason, overrides, folder) for reason in wrong]


OPTIONAL = ("baselines", "ratios", "health", "versions", "hardware", "data", "channels")
"""Keys of `summary.json` that not every run has."""


def _reason(error: Exception, path: Path) -> str:
    """Our own errors name the file themselves."""
    return str(error) if isinstance(error, ConfigError | DataError) else f"{path}: {type(error).__name__}: {error}"


def _floats(values: dict[str, float | None]) -> dict[str, float]:
    """JSON has no NaN: what was not finite is null there."""
    return {name: float("nan") if value is None else value for name, value in values.items()}
