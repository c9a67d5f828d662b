"""`train -m`: the jobs of a sweep are planned, launched by Hydra, told of in a table, and reported."""

import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig

from hourglass.cli.judging import judged_by, refuse_shared_seeds
from hourglass.cli.prepare import found_by, job_of, keep_configuration
from hourglass.cli.report import make, publish
from hourglass.config.compose import images_read_once
from hourglass.config.configuration import Configuration
from hourglass.config.overrides import refuse_careless, refuse_swept, sweep_name
from hourglass.core import signals
from hourglass.core.compat.hydra import (
    Application,
    Hydra,
    Jobs,
    compose_sweep,
    given_of_sweep,
    jobs_of_sweep,
    overrides_of,
    values_of_sweep,
)
from hourglass.core.errors import ConfigError, Interrupted
from hourglass.core.processes.environment import at_a_time, wait_asleep
from hourglass.core.text import command
from hourglass.report import index
from hourglass.report.request import Request
from hourglass.runs.read import as_line, names_of
from hourglass.runs.status import status_of, to_do
from hourglass.sweeps import progress, slurm
from hourglass.sweeps.declaration import declared
from hourglass.sweeps.record import Asked
from hourglass.sweeps.sweep import Sweep, begin, check
from hourglass.sweeps.tuning.plan import Tuning, gathered, of_budgets, read_tuning

SOME = 50
"""Jobs that are planned without a word: each that chooses other options takes a tenth of a second."""


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


def dry_run(application: Application) -> None:
    """`--dry-run`: the jobs, and what `sbatch` would be given for them; nothing is written, started or submitted."""
    with application.loaded() as hydra, images_read_once():
        config, _ = composed(hydra, application, named(application))
        if not config.hydra.sweeper._target_.endswith("BasicSweeper") or config.tune is not None:
            raise ConfigError("--dry-run: a search, and tune=, choose their jobs by what others show; leave it out")
        check(config.sweep, config.retry, searching=False)
        folder = Path(config.hydra.sweep.dir)
        _, note = judged_by(config, folder)
        refuse_shared_seeds(folder, *seeds_of(config, None))
        jobs = {one.id: (overrides, one) for overrides, one in each_job(config, Jobs(hydra, config))}
        statuses = {identity: status_of(folder / identity) for identity in jobs}
        waiting = slurm.queued(folder)
        todo = [
            one for identity, (_, one) in jobs.items()
            if to_do(statuses[identity], config.retry) and identity not in waiting
        ]  # fmt: skip
        names = names_of({identity: {"overrides": overrides} for identity, (overrides, _) in jobs.items()}, jobs)
        print(f"sweep {folder.name}: {len(jobs)} jobs in {folder}, of which {len(todo)} would be started")
        for identity, name in names.items():
            place = f"in the queue as {waiting[identity]}" if identity in waiting else statuses[identity]
            print(f"  {identity}  {name}  {place}")
        if note:
            print(f"  {note}")
        if todo:
            print(progress.expected(folder, jobs, len(todo)))
        if todo and hasattr(get_class(config.hydra.launcher._target_), "script"):
            print(f"\nsbatch would be given\n\n{instantiate(config.hydra.launcher).script(todo)}")
    print("--dry-run: nothing was started")


def named(application: Application) -> list[str]:
    """The name of the sweep, as an override, where the command line gives none; its options are put in order."""
    application.arguments.overrides = gathered(application.overrides)
    refuse_careless(application.overrides)
    if any(override.startswith("sweep=") for override in application.overrides):
        return []
    return [f"sweep={sweep_name(application.overrides)}"]


def each_job(config: DictConfig, composer: Jobs) -> Iterator[tuple[list[str], Configuration]]:
    """The jobs of a grid, each once: its overrides, and its configuration."""
    jobs, known = jobs_of_sweep(config), set[str]()
    if len(jobs) > SOME:
        print(f"planning {len(jobs)} jobs", flush=True)
    for number, job in enumerate(jobs):
        configuration = Configuration.of(composer.compose(job))
        if configuration.id in known:
            same = "has the same configuration as an earlier one: it is trained once"
            print(f"job {number}, {as_line(job)}, {same}")
        else:
            known.add(configuration.id)
            yield job, configuration


def plan(application: Application, name: list[str], words: list[str]) -> tuple[DictConfig, Job, list[str]]:
    """Refuse what cannot work, and write down what there is to do.

    What all jobs share, the task of each, and the overrides with which Hydra is to carry it out beside those given.
    """
    with application.loaded() as hydra, images_read_once():
        config, more = composed(hydra, application, name)
        launcher, sweeper = config.hydra.launcher, config.hydra.sweeper
        searching = not sweeper._target_.endswith(("BasicSweeper", "TuningSweeper"))
        check(config.sweep, config.retry, searching=searching)
        folder = Path(config.hydra.sweep.dir)
        judged, note = (declared(config), "") if searching else judged_by(config, folder)
        composer = Jobs(hydra, config)
        tuning = tuning_of(config, composer) if config.tune is not None else None
        if not searching:
            refuse_shared_seeds(folder, *seeds_of(config, tuning))
        jobs = [] if searching or tuning else each_job(config, composer)
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


def composed(hydra: Hydra, application: Application, name: list[str]) -> tuple[DictConfig, list[str]]:
    """What all jobs share, and the overrides that make it so: budgets and tuning, which an experiment may ask for."""
    config = compose_sweep(hydra, application.name, [*application.overrides, *name])
    refuse_swept(given_of_sweep(config))
    plain = Configuration.of(config).plain
    more = [*name, *of_budgets(plain["budgets"], application.overrides)]
    if (plain["tune"], plain["budgets"]) != (None, None) and not config.hydra.sweeper._target_.endswith("BasicSweeper"):
        raise ConfigError("a search chooses by itself what is trained, and how long: leave out tune= and budgets=")
    if plain["tune"] is not None:
        more.append("hydra/sweeper=tuning")
    return (compose_sweep(hydra, application.name, [*application.overrides, *more]) if more != name else config), more


def tuning_of(config: DictConfig, composer: Jobs) -> Tuning:
    """What a composed sweep is to tune; raises ConfigError for what cannot be tuned."""
    jobs, seeds = jobs_of_sweep(config, without=("seed",)), values_of_sweep(config, "seed")
    plain = Configuration.of(config).plain
    return read_tuning(plain, jobs, seeds, lambda job: Configuration.of(composer.compose(job)))


def seeds_of(config: DictConfig, tuning: Tuning | None) -> tuple[list[str], list[str]]:
    """Those that a composed sweep tunes on, and those that it reports."""
    if tuning is not None:
        return [str(seed) for seed in tuning.settings.seeds], tuning.seeds
    return [], values_of_sweep(config, "seed") or [str(config.seed)]


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
