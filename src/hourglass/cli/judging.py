"""What a sweep declares, held against its jobs before the first of them runs."""

from itertools import accumulate
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hourglass.config.configuration import flat
from hourglass.core.compat.hydra import jobs_of_sweep, values_of_sweep
from hourglass.core.errors import ConfigError, Torn
from hourglass.core.text import meant
from hourglass.report.analysis.sign_flip import too_few_seeds
from hourglass.runs.read import is_tuning, read_sweep
from hourglass.sweeps.declaration import Declared, declared, refuse_unswept, tasks_in


def judged_by(config: DictConfig, folder: Path) -> tuple[Declared, str]:
    """What a sweep declares, which none of its jobs contradicts, and a sentence where it can show nothing by it."""
    given, jobs = declared(config), jobs_of_sweep(config)
    _refuse_unknown(tasks_in(given), config, jobs)
    if "reference" not in given:
        return given, ""
    earlier = earlier_jobs(folder)
    refuse_unswept(given, jobs, earlier)
    before = {one.partition("=")[2] for job in earlier if not is_tuning(job) for one in job if one.startswith("seed=")}
    seeds = max(1, len(before.union(values_of_sweep(config, "seed"))))
    return given, too_few_seeds(jobs_of_sweep(config, without=("seed",)), seeds, given["reference"])


def _refuse_unknown(tasks: list[str], config: DictConfig, jobs: list[list[str]]) -> None:
    paths = [accumulate(key.split("."), "{}.{}".format) for key in flat(OmegaConf.to_container(config))]
    known = {part for path in paths for part in path} | {one.partition("=")[0] for job in jobs for one in job}
    for task in tasks:
        if task not in known:
            hint = meant(task, known)
            raise ConfigError(
                f"tasks=[{','.join(tasks)}]: {task} is no key of this configuration{hint and f': {hint}'}"
            )


def earlier_jobs(folder: Path) -> list[list[str]]:
    """The overrides of those that are planned in it; none where `sweep.json` is torn, and will be made anew."""
    try:
        return [job["overrides"] for job in read_sweep(folder)["jobs"].values()]
    except Torn:
        return []
