"""One job of a sweep, in processes of its own."""

import time
from pathlib import Path

from lightning.pytorch import Callback

from hourglass.config.configuration import Configuration, Node
from hourglass.config.parts import Parts
from hourglass.core.compat.wandb import preload
from hourglass.core.errors import DataError
from hourglass.core.processes.environment import threads_each
from hourglass.runs import launch
from hourglass.runs.job import Job
from hourglass.runs.read import read_configuration, summary_of
from hourglass.runs.status import status_of, to_do, value_of
from hourglass.runs.train import Setting
from hourglass.sweeps import progress
from hourglass.sweeps.record import add_job
from hourglass.sweeps.sweep import Sweep


def run_job(sweep: Sweep, configuration: Configuration, job: Job) -> float | None:
    """Train one job unless it is done; its val/loss, or None where there is none.

    Never raises for what becomes of the job: its summary has the reason, and the sweep goes on. Raises Interrupted
    where the sweep was told to stop.
    """
    sweep.stop.check()
    if job.id not in sweep.names:
        add_job(sweep.folder, job.id, job.overrides)
    if not to_do(status_of(job.folder), sweep.retry):
        refuse_other_images(configuration, job.folder)
        return value_of(job.folder)
    if "wandb" in (configuration.plain["logger"] or {}):
        preload()  # once, in the process that jobs are forked from, and before the clock starts
    start = time.monotonic()
    processes = launch.device_count(configuration.plain["trainer"]) * sweep.parallel
    outcome = launch.in_processes(
        configuration,
        job,
        Setting(quiet=True, retry=sweep.retry, callbacks=pruning(configuration.plain)),
        sweep.notes,
        threads=threads_each(processes),
        stop=sweep.stop.by_file,
    )
    sweep.seconds[job.id] = time.monotonic() - start
    of_it = (job.id, outcome.error, sweep.seconds, sweep.retry, sweep.parallel, sweep.ends)
    print(progress.line(sweep.folder, sweep.names, *of_it), flush=True)
    return value_of(job.folder)


def refuse_other_images(configuration: Configuration, folder: Path) -> None:
    """Raise DataError where a job that is done read images from elsewhere, and they were others: it is not this one."""
    here, there = (one.plain["data"].get("root") for one in (configuration, read_configuration(folder)))
    recorded = summary_of(folder).get("data", {}).get("fingerprint")
    if here == there or recorded is None:
        return
    data = Parts(configuration).data
    data.setup()
    fingerprint = data.fingerprint()
    if fingerprint != recorded:
        raise DataError(
            f"{folder} was trained on other images, from data.root={there} (fingerprint {recorded}, of {here} "
            f"{fingerprint}): give this sweep another name, sweep=NAME"
        )


def pruning(plain: Node) -> list[Callback]:
    """What gives up on a trial of a search that does worse than others did; nothing for any other job."""
    if plain["trial"] is None:
        return []
    from hourglass.sweeps.search.pruning import Pruning  # needs the extra `optuna`

    return [Pruning(plain["trial"], plain["search"]["pruning"])]
