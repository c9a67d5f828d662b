"""`train -m`: the jobs of a sweep are planned, launched by Hydra, told of in a table, and reported."""

import sys
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_class
from omegaconf import DictConfig

from hourglass.cli.planning.jobs import compose, configuration_of, each_job, named, refuse_what_cannot_work
from hourglass.cli.prepare import found_by, job_of, keep_configuration
from hourglass.cli.report import make, publish
from hourglass.config.compose import images_read_once
from hourglass.config.configuration import Configuration
from hourglass.config.overrides import refuse_careless
from hourglass.core import signals
from hourglass.core.compat.hydra import Application, Jobs, overrides_of
from hourglass.core.errors import ConfigError, Interrupted
from hourglass.core.processes.environment import at_a_time, wait_asleep
from hourglass.core.text import command
from hourglass.report import index
from hourglass.report.request import Request
from hourglass.runs.status import status_of
from hourglass.sweeps import progress
from hourglass.sweeps.declaration import declared
from hourglass.sweeps.record import Asked
from hourglass.sweeps.sweep import Sweep, begin, check
from hourglass.sweeps.tuning.plan import Tuning

_known: dict[tuple[Path, int], Sweep] = {}
"""Sweeps that came to this process with a job, by folder and invocation."""


@dataclass
class Job:
    """The task that Hydra calls for each job of a sweep, in whatever process its launcher chooses."""

    sweep: Sweep
    tuning: Tuning | None = None
    """What is to be tuned first, for the sweeper that does so"""

    def __setstate__(self, state: dict[str, Sweep]) -> None:
        """A launcher hands each job a copy: those that come to one process share the first, and what it has learned."""
        wait_asleep()  # its process need not have come from ours
        sweep = state["sweep"]
        self.sweep = _known.setdefault((sweep.folder, sweep.invocation), sweep)

    def __call__(self, config: DictConfig) -> float | None:
        from hourglass.sweeps.jobs import run_job  # torch and lightning: only now

        hydra: Any = HydraConfig.get()
        refuse_careless(overrides_of(hydra))
        configuration = Configuration.of(config)
        job = job_of(configuration, hydra, group=str(config.sweep))
        keep_configuration(configuration, job, hydra)
        return run_job(self.sweep, configuration, job)


def main(application: Application, arguments: list[str]) -> None:
    config, job, more = plan(application, named(application), [*command("train").split(), *arguments])
    sweep = job.sweep
    sweep.stop.handle_signals(sweep.stop_jobs)
    try:
        try:
            application.run(job, more)
        finally:
            fine = tell(sweep)
            sweep.stop.check()  # whatever a library has made of it
        if config.report and progress.can_be_reported(sweep.folder, sweep.names):
            report(sweep.folder, Configuration.of(config))
    except Interrupted:
        signals.ignore()
        raise
    finally:
        index.refresh(sweep.folder)
    if not fine:
        sys.exit(1)


def plan(application: Application, name: list[str], words: list[str]) -> tuple[DictConfig, Job, list[str]]:
    """Refuse what cannot work, and write down what there is to do.

    What all jobs share, the task of each, and the overrides with which Hydra is to carry it out beside those given.
    """
    with application.loaded() as hydra, images_read_once():
        config, more = compose(hydra, application, name)
        launcher, sweeper = config.hydra.launcher, config.hydra.sweeper
        searching = not sweeper._target_.endswith(("BasicSweeper", "TuningSweeper"))
        check(config.sweep, config.retry, searching=searching)
        folder = Path(config.hydra.sweep.dir)
        composed = partial(configuration_of, Jobs(hydra, config))
        judged, note, tuning = declared(config), "", None
        if not searching:
            judged, note, tuning = refuse_what_cannot_work(config, folder, composed)
        jobs = [] if searching or tuning else each_job(config, composed)
        planned = {configuration.id: job for job, configuration in jobs}
        before = progress.counted([s for one in planned if (s := status_of(folder / one)) != "planned"])
        sweep = begin(
            folder,
            Asked(words, application.overrides, planned, judged, found_by(config.hydra)),
            retry=config.retry,
            parallel=at_a_time(int(launcher.get("n_jobs", 1))),
            jobs_outlive_it=getattr(get_class(launcher._target_), "jobs_outlive_it", False),
        )
    count = f"up to {config.search.trials} trials" if config.get("search") else tuning or f"{len(planned)} jobs"
    print(f"sweep {folder.name}: {count} in {folder}{f' ({before} before)' if before else ''}", flush=True)
    if note:
        print(f"  {note}", flush=True)
    return config, Job(sweep, tuning), more


def tell(sweep: Sweep) -> bool:
    """The table of a sweep that has ended; whether every job ended well."""
    names = sweep.names
    if not names:
        return True
    table, fine = progress.closing(sweep.folder, names)
    print(table, flush=True)
    return fine


def report(folder: Path, configuration: Configuration) -> None:
    """After the last job: `report.html` beside the sweep, and in W&B where the jobs are.

    The sweep is whole without it, so whatever goes wrong is shown and costs only the report.
    """
    try:
        review = make(Request(folder, folder))
        if "wandb" in (configuration.plain["logger"] or {}):
            publish(review, configuration, folder / "report.html")
    except ConfigError as error:
        print(f"  no report: {error}")
    except Exception:
        traceback.print_exc()
        print(f"  no report, by a fault of ours; {command('report')} {folder} tries again")
