"""`train`: one run, by itself or continued; a sweep is in `hourglass.cli.sweep`.

What can be answered or refused without torch is, within a second.
"""

import logging
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hourglass.cli import sweep
from hourglass.cli.planning.dry_run import dry_run
from hourglass.cli.prepare import discard, faults_kept, job_of, keep_configuration
from hourglass.config.compose import CONF, compose_train, groups, without_plus
from hourglass.config.configuration import Configuration
from hourglass.config.overrides import at_home, refuse_careless, refuse_what_hydra_does_not_explain
from hourglass.config.slots import packages_in
from hourglass.core.compat.hydra import Application
from hourglass.core.errors import ConfigError, DataError, IncompatiblePair
from hourglass.core.processes.environment import started_from_outside
from hourglass.report import index
from hourglass.runs.job import Job
from hourglass.runs.read import read_configuration, read_summary, refuse_ways_out
from hourglass.runs.status import status_of

OF_MANY = ("sweep", "retry", "tune", "tuning", "budgets")
"""Keys that say nothing of one run."""


DRY_RUN = "--dry-run"
"""Plan a sweep, and show what would be started."""


def main(arguments: list[str]) -> None:
    is_dry, arguments = DRY_RUN in arguments, [argument for argument in arguments if argument != DRY_RUN]
    application = Application(CONF, "train", at_home(without_plus(arguments)))
    refuse_what_hydra_does_not_explain(application.overrides, groups())
    resumed = [override.removeprefix("resume=") for override in application.overrides if override.startswith("resume=")]
    if is_dry:
        if application.is_question or resumed or not application.arguments.multirun:
            raise ConfigError(f"{DRY_RUN} shows what a sweep would start: use it with -m, and nothing else that asks")
        dry_run(application)
    elif application.is_question:
        asked = next((f"--{key}" for key in ("cfg", "info") if getattr(application.arguments, key)), None)
        if asked and application.arguments.multirun:
            raise ConfigError(f"{asked} is about one run, and -m is for many: leave out one of them")
        application.run(train)
    elif resumed:
        others = [argument for argument in arguments if not argument.startswith("resume=")]
        resume(Path(resumed[-1]), others)
    elif application.arguments.multirun or any(o.startswith("search=") for o in application.overrides):
        sweep.main(application, arguments)
    else:
        if any(override.startswith("hydra.mode=") for override in application.overrides):
            raise ConfigError("hydra.mode=MULTIRUN: start a sweep with -m")
        many = [key for o in application.overrides if (key := re.split("[.=]", o)[0]) in OF_MANY]
        if many:
            raise ConfigError(f"{many[0]}= is about many runs: start a sweep with -m")
        refuse_careless(application.overrides)
        if started_from_outside() and not any(o.startswith("hydra.run.dir=") for o in application.overrides):
            raise ConfigError(
                "torchrun and srun start several processes of one run, which have to know its folder: name it, as in "
                "hydra.run.dir=logs/runs/first"
            )
        alone(application)


def alone(application: Application) -> None:
    """One run by itself. Its errors are raised outside of Hydra, which would add a line to them."""
    errors: list[Exception] = []

    def task(config: DictConfig) -> None:
        try:
            train(config)
        except Exception as error:
            errors.append(error)

    application.run_once(task)
    for error in errors:
        raise error


def train(config: DictConfig) -> None:
    """The task that Hydra calls: one run by itself."""
    hydra: Any = HydraConfig.get()
    configuration = Configuration.of(config)
    job = job_of(configuration, hydra)
    fresh = not (job.folder / ".hydra").exists()
    keep_configuration(configuration, job, hydra)
    if status_of(job.folder) == "completed":
        raise ConfigError(f"{job.folder} is completed: choose another hydra.run.dir")
    from hourglass.runs import launch  # torch and lightning: only now

    try:
        with faults_kept(job.folder):
            launch.alone(configuration, job)
    except (ConfigError, DataError, IncompatiblePair):
        if fresh:
            discard(job.folder)
        raise
    finally:
        if job.folder.exists():
            index.refresh(job.folder)


def resume(folder: Path, others: list[str]) -> None:
    """`resume=FOLDER`: go on with that run, as it was configured."""
    trust = packages_in(argument.removeprefix("trust=") for argument in others if argument.startswith("trust="))
    if others := [argument for argument in others if not argument.startswith("trust=")]:
        raise ConfigError(f"resume= continues a run as it was configured: leave out {' '.join(others)}")
    refuse_ways_out(folder)  # a folder of somebody else, in which is to be written
    if (folder / "sweep.json").exists():
        raise ConfigError(f"{folder} is a sweep: give its command again, and it goes on with what is not done")
    summary = read_summary(folder, ("id", "choices", "overrides", "sweep"))
    if not (folder / ".hydra" / "config.yaml").exists() or summary is None:
        raise ConfigError(f"{folder} is not the folder of a run that was started: it has no summary.json")
    if status_of(folder) == "completed":
        raise ConfigError(f"{folder} is completed: there is nothing to continue")
    configuration = read_configuration(folder, trust)
    if configuration.id != summary["id"]:
        raise ConfigError(f"{folder / '.hydra'} was changed since the run began: start another with that")
    if configuration.plain.get("baselines") is not None:  # kept where our own are, not wherever a stranger says
        configuration = configuration.with_values({"baselines": compose_train().plain["baselines"]})
    log = folder / "train.log"
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout), logging.FileHandler(log, encoding="utf-8")]
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
    from hourglass.runs import launch  # torch and lightning: only now

    launch.refuse_damage(folder)
    job = Job(folder.resolve(), summary["id"], summary["choices"], summary["overrides"], summary["sweep"])
    job = replace(job, found_by=summary.get("found_by", []))
    try:
        with faults_kept(job.folder):
            launch.alone(configuration, job, retry="all")  # this one is meant by name
    finally:
        index.refresh(job.folder)
