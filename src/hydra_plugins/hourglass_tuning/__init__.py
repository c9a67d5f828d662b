"""Hydra's side of `tune=`: a sweeper whose jobs are tuned first. Imported at every start, so light."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hourglass.config.compose import images_read_once
from hourglass.config.configuration import Configuration
from hourglass.core.compat.hydra import Jobs
from hourglass.sweeps.tuning.tune import tune
from hourglass.sweeps.tuning.values import refusal


class TuningSweeper(Sweeper):
    """Launches the tuning jobs of every configuration, then its reported jobs, by whatever launcher."""

    def __init__(self, params: dict[str, str] | None) -> None:
        """`params` are read where the sweep is planned, as those of Hydra's own sweeper are."""
        self.launched = 0

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context
        self.task: Any = task_function  # of ours: it knows the sweep, and what is to be tuned
        self.composer = Jobs(hydra_context, config)
        self.folder = Path(str(config.hydra.sweep.dir))
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        for text in tune(self.task.tuning, self.launch, self.refusal):
            print(text, flush=True)

    def refusal(self, job: list[str], key: str) -> str:
        return refusal(Configuration.of(self.composer.compose(job)), key)

    def launch(self, jobs: list[list[str]], about: dict[str, Any]) -> Sequence[Path]:
        """Their run folders, once they have ended; planned first, so that each line tells how many are left."""
        with images_read_once():
            identities = [Configuration.of(self.composer.compose(job)).id for job in jobs]
        self.task.sweep.plan(dict(zip(identities, jobs, strict=True)), about)
        assert self.launcher is not None
        for job in self.launcher.launch(jobs, initial_job_idx=self.launched):
            _ = job.return_value  # raises what the job raised: a mistake that all of them share
        self.launched += len(jobs)
        return [self.folder / identity for identity in identities]
