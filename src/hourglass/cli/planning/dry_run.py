"""`--dry-run`: what a sweep would start."""

from functools import partial
from pathlib import Path

from hydra.utils import get_class, instantiate

from hourglass.cli.planning.jobs import compose, configuration_of, each_job, named, refuse_what_cannot_work
from hourglass.config.compose import images_read_once
from hourglass.core.compat.hydra import Application, Jobs
from hourglass.core.errors import ConfigError
from hourglass.runs.read import names_of
from hourglass.runs.status import status_of, to_do
from hourglass.sweeps import progress, slurm
from hourglass.sweeps.sweep import check


def dry_run(application: Application) -> None:
    """The jobs, of a tuned sweep those of its first round and how many follow, and what `sbatch` would be given for
    them; nothing is written, started or submitted."""
    with application.loaded() as hydra, images_read_once():
        config, _ = compose(hydra, application, named(application))
        if not config.hydra.sweeper._target_.endswith(("BasicSweeper", "TuningSweeper")):
            raise ConfigError("--dry-run: a search chooses its jobs by what others show; leave it out")
        check(config.sweep, config.retry, searching=False)
        folder = Path(config.hydra.sweep.dir)
        composed = partial(configuration_of, Jobs(hydra, config))
        _, note, tuning = refuse_what_cannot_work(config, folder, composed)
        if tuning is None:
            jobs = {one.id: (overrides, one) for overrides, one in each_job(config, composed)}
        else:
            jobs = {one.id: (job, one) for job in tuning.first_round() for one in [composed(job)]}
        statuses = {identity: status_of(folder / identity) for identity in jobs}
        waiting = slurm.queued(folder)
        todo = [
            one for identity, (_, one) in jobs.items()
            if to_do(statuses[identity], config.retry) and identity not in waiting
        ]  # fmt: skip
        names = names_of({identity: {"overrides": overrides} for identity, (overrides, _) in jobs.items()}, jobs)
        which = "jobs" if tuning is None else "jobs to tune"
        print(f"sweep {folder.name}: {len(jobs)} {which} in {folder}, of which {len(todo)} would be started")
        for identity, name in names.items():
            place = f"in the queue as {waiting[identity]}" if identity in waiting else statuses[identity]
            print(f"  {identity}  {name}  {place}")
        if tuning is not None:
            print(f"  {tuning.what_follows()}")
        if note:
            print(f"  {note}")
        if todo:
            print(progress.expected(folder, jobs, len(todo)))
        if todo and hasattr(get_class(config.hydra.launcher._target_), "script"):
            print(f"\nsbatch would be given\n\n{instantiate(config.hydra.launcher).script(todo)}")
    print("--dry-run: nothing was started")
