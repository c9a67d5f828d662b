"""What a sweep declares, held against its jobs before the first of them runs."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hourglass.config.compose import dotted_keys, no_key
from hourglass.core.compat.hydra import jobs_of_sweep, values_of_sweep
from hourglass.core.errors import ConfigError, Torn
from hourglass.report.analysis.sign_flip import too_few_seeds
from hourglass.runs.read import is_tuning, read_sweep
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
    earlier = _earlier_jobs(folder)
    refuse_unswept(given, jobs, earlier)
    before = {one.partition("=")[2] for job in earlier if not is_tuning(job) for one in job if one.startswith("seed=")}
    seeds = max(1, len(before.union(values_of_sweep(config, "seed"))))
    return given, too_few_seeds(jobs_of_sweep(config, without=("seed",)), seeds, given["reference"])


def _earlier_jobs(folder: Path) -> list[list[str]]:
    """The overrides of those that are planned in it; none where `sweep.json` is torn, and will be made anew."""
    try:
        return [job["overrides"] for job in read_sweep(folder)["jobs"].values()]
    except Torn:
        return []
