"""What a sweep declares, held against its jobs before the first of them runs."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hourglass.config.compose import dotted_keys, no_key
from hourglass.core.compat.hydra import jobs_of_sweep, values_of_sweep
from hourglass.core.errors import ConfigError, Torn
from hourglass.report.analysis.sign_flip import too_few_seeds
from hourglass.runs.read import is_tuning, read_sweep, summary_of
from hourglass.sweeps.declaration import Declared, declared, refuse_unswept, tasks_in


def judged_by(config: DictConfig, folder: Path) -> tuple[Declared, str]:
    """What a sweep declares, which none of its jobs contradicts, and a sentence where it can show nothing by it."""
    given = declared(config)
    if not given.keys() & {"tasks", "reference"}:
        return given, ""
    jobs = jobs_of_sweep(config)
    known = {*dotted_keys(OmegaConf.to_container(config)), *(one.partition("=")[0] for job in jobs for one in job)}
    for task in tasks_in(given):
        if task not in known:
            raise ConfigError(f"tasks={given['tasks']}: {no_key(task, sorted(known))}")
    if "reference" not in given:
        return given, ""
    earlier = list(_earlier_jobs(folder).values())
    refuse_unswept(given, jobs, earlier)
    before = {one.partition("=")[2] for job in earlier if not is_tuning(job) for one in job if one.startswith("seed=")}
    seeds = max(1, len(before.union(values_of_sweep(config, "seed"))))
    return given, too_few_seeds(jobs_of_sweep(config, without=("seed",)), seeds, given["reference"])


def refuse_shared_seeds(folder: Path, tuned: Iterable[str], reported: Iterable[str]) -> None:
    """Raise ConfigError for a seed that this command tunes on or reports, where an earlier one of the sweep in this
    folder did the other: what is chosen by a seed says nothing new on it."""
    earlier = [(is_tuning(job), _seed_of(folder / identity, job)) for identity, job in _earlier_jobs(folder).items()]
    for own, theirs, what, cure in (
        (reported, True, "was tuned on by an earlier command of this sweep, and cannot be reported", "seeds"),
        (tuned, False, "is reported by an earlier command of this sweep, and cannot be tuned on", "tuning.seeds"),
    ):
        if shared := {seed for tuning, seed in earlier if tuning == theirs}.intersection(own):
            first = min(shared, key=lambda seed: (len(seed), seed))
            raise ConfigError(f"seed {first} {what}: give other {cure}, or the sweep another name, sweep=NAME")


def _seed_of(folder: Path, overrides: Sequence[str]) -> str:
    """Of an earlier job, as it was given, or as it was configured if it has begun."""
    given = [override.partition("=")[2] for override in overrides if override.startswith("seed=")]
    return given[-1] if given else str(summary_of(folder).get("seed"))


def _earlier_jobs(folder: Path) -> dict[str, list[str]]:
    """Those that are planned in it, id -> overrides; none where `sweep.json` is torn, and will be made anew."""
    try:
        return {identity: job["overrides"] for identity, job in read_sweep(folder)["jobs"].items()}
    except Torn:
        return {}
