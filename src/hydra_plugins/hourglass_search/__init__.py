"""Hydra's side of `search=`: sweepers that take their space from `config.search`. Imported at every start, so light."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hourglass.core.processes import supervisor as jobs


class OptunaSweeper(Sweeper):
    """`search=optuna`: trials are jobs of the sweep, launched by whatever launcher, `parallel` at a time."""

    def __init__(self, parallel: int) -> None:
        self.parallel = jobs.at_a_time(parallel)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.parser = config, OverridesParser.create(hydra_context.config_loader)
        self.hydra_context = hydra_context  # Sweeper.validate_batch_is_legal reads these two
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        from hourglass.sweeps.search import search

        assert self.config is not None
        settings = self.config.search
        space = search.read_space(settings.space, arguments, self.parser)
        study = search.optimise(settings, space, Path(self.config.hydra.sweep.dir), self.parallel, self.launch)
        print(search.ending(study), flush=True)

    def launch(self, trials: list[list[str]], first: int) -> Sequence[Path]:
        """Their run folders, once they have ended."""
        self.validate_batch_is_legal(trials)
        assert self.launcher is not None
        returned = self.launcher.launch(trials, initial_job_idx=first)
        for job in returned:
            _ = job.return_value  # raises what the job raised: a mistake that all trials share
        return [Path(job.hydra_cfg.hydra.runtime.output_dir) for job in returned if job.hydra_cfg is not None]


class WandbSweeper(Sweeper):
    """`search=wandb`: writes the file for W&B's sweep server, whose agents start the runs; none is started here."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.parser = config, OverridesParser.create(hydra_context.config_loader)

    def sweep(self, arguments: list[str]) -> None:
        from hourglass.sweeps.search import search

        assert self.config is not None
        space = search.read_space(self.config.search.space, arguments, self.parser)
        path = Path(self.config.hydra.sweep.dir) / "wandb_sweep.yaml"
        search.write_wandb_sweep(self.config, space, path)
        print(f"wrote {path}; nothing was run. Next:\n  wandb sweep {path}\n  wandb agent ID  # the id that it prints")
