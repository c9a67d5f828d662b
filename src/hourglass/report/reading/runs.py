"""A folder of runs, read: what was trained and measured, and what came to no result. No torch."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hourglass.core.errors import DataError
from hourglass.report.reading.configurations import Configuration, configurations, fruitless, varied
from hourglass.report.reading.files import UNREADABLE, read_beside, read_config, read_json
from hourglass.report.reading.run import Problem, Run
from hourglass.runs import status as states

REASONS = {
    "planned": "missing: it has no folder, the sweep has not come to it",
    "running": "still running: make the report again when it is done",
    "interrupted": "stopped before its end: the same command continues it",
    "pruned": "stopped by the search, for it was behind the others",
}
BARELY_BEGUN = "it has a folder and no summary.json: stopped before its first step, the same command begins it again"


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
        """What was swept, as `hourglass.report.reading.configurations.varied` finds it."""
        return varied(self.runs)

    @cached_property
    def configurations(self) -> list[Configuration]:
        """In the order in which they ran."""
        return configurations(self.runs, self.lost, self.varied)

    @property
    def fruitless(self) -> list[str]:
        """What has no completed run, in words that follow "no run of"."""
        return fruitless(self.lost, self.configurations)

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
            content = read_json(folder / "sweep.json")
            info, jobs = content, {job: entry["overrides"] for job, entry in content["jobs"].items()}
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
            reasons = REASONS | ({"planned": BARELY_BEGUN} if folder.is_dir() else {})
            reason = summary.get("error") or reasons.get(status, f"see {folder}")
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
