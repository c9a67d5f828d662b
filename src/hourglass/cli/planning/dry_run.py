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
    """The jobs, and what `sbatch` would be given for them; nothing is written, started or submitted."""
    with application.loaded() as hydra, images_read_once():
        config, _ = compose(hydra, application, named(application))
        if not config.hydra.sweeper._target_.endswith(("BasicSweeper",)) or config.tune is not None:
            raise ConfigError("--dry-run: a search, and tune=, choose their jobs by what others show; leave it out")
        check(config.sweep, config.retry, searching=False)
        folder = Path(config.hydra.sweep.dir)
        composed = partial(configuration_of, Jobs(hydra, config))
        _, note, _ = refuse_what_cannot_work(config, folder, composed)
        jobs = {one.id: (overrides, one) for overrides, one in each_job(config, composed)}
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
