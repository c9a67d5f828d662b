"""A folder of runs, read: what was trained and measured, and which jobs have no result. No torch."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import within
from hourglass.core.measures import MEASURES, Measure
from hourglass.core.text import printable
from hourglass.report.reading.configurations import (
    Configuration,
    configurations,
    fill_in,
    treatment,
    varied,
    without_runs,
)
from hourglass.report.reading.files import read_beside, read_config
from hourglass.report.reading.run import Problem, Run
from hourglass.report.reading.tuning import Tuning
from hourglass.runs.read import check_summary, is_tuning, no_jobs, of_job, read_summary, read_sweep
from hourglass.runs.status import status_of
from hourglass.sweeps.declaration import Declared, declared_in, standing, tasks_in

REASONS = {
    "planned": "missing: it has no folder, the sweep has not come to it",
    "running": "still running: make the report again when it is done",
    "interrupted": "stopped before its end: the same command continues it",
    "pruned": "stopped by the search, because other trials did better",
}
OLDER = ("repeated", "superseded")
SUPERSEDED = "a later command has tuned it again, and chosen another value"
NO_JOB = "no id of a job, which is 8 hexadecimal digits: nothing was read there"
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
    tuning: Tuning = field(default_factory=Tuning)
    known: list[str] | None = None
    """What was swept, where somebody knows"""
    parts: list["Sweep"] = field(default_factory=list)
    """The folders that are compared in it, each as it is by itself; none for one folder"""

    @property
    def folders(self) -> list[Path]:
        return [part.folder for part in self.parts] or [self.folder]

    @cached_property
    def varied(self) -> list[str]:
        """What was swept, as `hourglass.report.reading.configurations.varied` tells, but for what was tuned."""
        return [key for key in varied(self.runs) if key not in self.tuning.keys] if self.known is None else self.known

    @cached_property
    def configurations(self) -> list[Configuration]:
        """In the order in which they ran."""
        return configurations(self.runs, self.lost, self.varied, self.tasks)

    @property
    def tasks(self) -> list[str]:
        """Keys that it declares to be tasks."""
        return tasks_in(self.declaration)

    @property
    def declaration(self) -> Declared:
        """What the sweep declares it will be judged by, as `hourglass.sweeps.declaration` tells; of several what they
        agree in."""
        first, *more = [part.declaration for part in self.parts] or [declared_in(self.info.get("invocations", []))]
        return {key: value for key, value in first.items() if all(one.get(key) == value for one in more)}

    @property
    def standing(self) -> str:
        """Were hypotheses fixed before, or is it exploratory? In a sentence."""
        if self.parts:
            return f"Exploratory: {len(self.parts)} folders are compared, which was not declared before their runs."
        return standing(self.info.get("invocations", []))

    @cached_property
    def declared(self) -> dict[str, Measure]:
        """What the runs logged that is not of this package; without a better end where they disagree on it."""
        declared: dict[str, Measure] = {}
        for run in self.runs:
            for name, measure in run.measures.items():
                if declared.setdefault(name, measure).better != measure.better:
                    declared[name] = replace(measure, better=None)
        return {name: measure for name, measure in declared.items() if name not in MEASURES}

    @property
    def without_runs(self) -> list[str]:
        """What no table shows, because none of its runs was completed: `decoder=carafe (8 diverged)`."""
        lost = without_runs(self.lost, self.configurations).items()
        return [
            f"{', '.join(one)} ({', '.join(f'{count} {status}' for status, count in of_it.items())})"
            for one, of_it in lost
        ]

    @property
    def unmeasured(self) -> list[tuple[str, ...]]:
        """The configurations, by their overrides, that were to be compared and have no run: not those that cannot be,
        or were pruned."""
        lost = without_runs(self.lost, self.configurations).items()
        return [overrides for overrides, statuses in lost if not set(statuses) <= {"incompatible", "pruned"}]

    @property
    def lost(self) -> list[Problem]:
        """The jobs without a result; the other problems are torn files, and older repetitions of runs that have one."""
        with_result = {run.id for run in self.runs} | {"sweep.json"}
        return [one for one in self.others if one.id not in with_result and one.status not in OLDER]


def read(folder: str | Path, *more: str | Path) -> Sweep:
    """The folder of a sweep, a folder of runs, or one run; or several of them, as one sweep to be compared in.

    What cannot be read is named in `others`, never left out. Raises DataError where there is no run at all in one.
    """
    parts = [_read_folder(Path(one), apart=not more) for one in (folder, *more)]
    sweep = _joined(parts) if more else parts[0]
    fill_in([*sweep.runs, *sweep.tuning.runs])
    return sweep


def _joined(parts: list[Sweep]) -> Sweep:
    """A run that several of them have counts once, where it comes first: `analysis.folders` tells.

    What was tuned is configured here as anything else: its curves are in the report of the sweep that tuned it.
    """
    runs: dict[object, Run] = {}
    others = [problem for part in parts for problem in part.others]
    for run in (run for part in parts for run in part.runs):
        first = runs.setdefault(treatment(run), run)
        if first.id != run.id:
            reason = f"{first.folder} has the same configuration and seed, but for metrics and callbacks: it counts"
            others.append(Problem(run.id, "repeated", reason, run.overrides, run.folder))
    names = [part.name for part in parts]
    if len(set(names)) < len(names):
        names = [str(printable(str(part.folder))) for part in parts]
    shown = names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more"]
    info = {"invocations": [one for part in parts for one in part.info.get("invocations", [])]}
    name = f"{', '.join(shown[:-1])} and {shown[-1]}"
    return Sweep(parts[0].folder, name, info, list(runs.values()), others, parts=parts)


def _read_folder(folder: Path, *, apart: bool = True) -> Sweep:
    """`apart`: overrides of jobs without those that all jobs have in common."""
    info: dict[str, Any] = {}
    jobs: dict[str, list[str]] = {}
    others: list[Problem] = []
    if (folder / "sweep.json").exists():
        try:
            content = read_sweep(folder)
            info, jobs = content, {job: entry["overrides"] for job, entry in content["jobs"].items()}
            others += [Problem(name, "torn", NO_JOB, [], folder) for name in no_jobs(folder)]
        except DataError as error:
            others.append(Problem("sweep.json", "torn", str(error), [], folder))
    common = set.intersection(*map(set, jobs.values())) if len(jobs) > 1 and apart else set()
    more = [path for path in sorted(folder.glob("*")) if _is_run(path) and path.name not in jobs]
    folders = [folder] if _is_run(folder) else [*(folder / job for job in jobs), *more]
    if not folders:
        what = "holds no run" if folder.is_dir() else "does not exist"
        raise DataError(f"{folder} {what}: give the folder of a sweep (logs/sweeps/NAME), of runs, or of one run")
    runs: dict[object, Run] = {}
    tuning = Tuning.of(info)
    for path in folders:
        own = of_job(override for override in jobs.get(path.name, []) if override not in common)
        run, problems = _read_run(path, folder, own)
        marked = [jobs.get(path.name, []), *(one.overrides for one in [run, *problems] if one)]
        if any(map(is_tuning, marked)) and path != folder:
            tuning.runs += [run] if run is not None else []
            tuning.lost += problems
            continue
        others += problems
        if run is not None:
            if (same := treatment(run)) in runs:
                older = runs.pop(same)
                but = "" if older.id == run.id else ", but for metrics and callbacks,"
                reason = f"{path} has the same configuration and seed{but} and is newer"
                others.append(Problem(older.id, "repeated", reason, older.overrides, older.folder))
            runs[same] = run
    name = info.get("name") or printable(folder.resolve().name)
    left_out = {run.id: run for run in tuning.superseded(list(runs.values()), info)}
    others += [Problem(run.id, "superseded", SUPERSEDED, run.overrides, run.folder) for run in left_out.values()]
    reported = [run.overrides for run in runs.values()] + [problem.overrides for problem in others]
    others += tuning.unreported(reported)
    return Sweep(folder, name, info, [run for run in runs.values() if run.id not in left_out], others, tuning)


def _is_run(path: Path) -> bool:
    return (path / "summary.json").is_file() or (path / ".hydra").is_dir()


def _read_run(path: Path, folder: Path, overrides: list[str]) -> tuple[Run | None, list[Problem]]:
    """The run that lies at `path` in `folder`, if it was completed; and what is wrong with it or its files."""
    name = str(printable(path.name))
    identity = name.split("-")[-1]
    try:
        within(path, folder)
        summary = read_summary(path) or {}
        overrides = overrides or summary.get("overrides", [])
        if summary.get("status") != "completed":
            status = status_of(path)
            reasons = REASONS | ({"planned": NOT_BEGUN} if path.is_dir() else {})
            reason = summary.get("error") or reasons.get(status, f"see {printable(str(path))}")
            return None, [Problem(identity, status, reason, overrides, path)]
        check_summary(summary, NEEDED, path)
        taken = {key: summary[key] for key in OPTIONAL if summary.get(key)}
        taken |= {key: summary[key] for key in ("id", "choices", "seed")}
        taken |= {key: _floats(summary[key]) for key in ("metrics", "cost", *({"baselines", "ratios"} & set(taken)))}
        taken["measures"] = {name: _measure(of_it) for name, of_it in summary.get("measures", {}).items()}
        raw, config = read_config(path, summary)
    except (ConfigError, DataError) as error:
        return None, [Problem(identity, "torn", str(error), overrides, path)]
    files, wrong = read_beside(path)
    for content in (content for name, content in files.items() if name.startswith("codes/")):
        taken["metrics"] |= _floats(content["metrics"])
    run = Run(path, raw=raw, config=config, overrides=overrides, files=files, **taken)
    return run, [Problem(run.id, "torn", reason, overrides, path) for reason in wrong]


NEEDED = ("id", "choices", "seed", "metrics", "cost")
"""Keys of `summary.json` that a completed run has."""
OPTIONAL = (
    "effects", "baselines", "ratios", "rate_curves", "health", "versions", "hardware", "data", "channels",
    "decoder_channels",
)  # fmt: skip
"""Keys of `summary.json` that not every run has."""


def _measure(described: dict[str, Any]) -> Measure:
    known = ("title", "meaning", "better", "unit", "per_image")
    return Measure(**{key: described[key] for key in known})


def _floats(values: dict[str, float | None]) -> dict[str, float]:
    """JSON has no NaN: what was not finite is null there."""
    return {name: float("nan") if value is None else value for name, value in values.items()}
