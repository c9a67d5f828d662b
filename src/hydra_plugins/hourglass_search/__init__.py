"""Hydra's side of `search=`: sweepers that take their space from `config.search`. Imported at every start, so light."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hourglass.config.configuration import Configuration
from hourglass.config.validation import checked
from hourglass.core.errors import ConfigError
from hourglass.core.processes.environment import at_a_time
from hourglass.sweeps.search.space import Space, read_space


class _SpaceSweeper(Sweeper):
    """A sweeper whose space is that of `conf/search/space.yaml`, changed by the command line."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context  # Sweeper.validate_batch_is_legal reads these two
        self.parser = OverridesParser.create(hydra_context.config_loader)
        self.plain = Configuration.of(config).plain
        self.folder = Path(str(config.hydra.sweep.dir))

    def space(self, arguments: list[str]) -> Space:
        return read_space(self.plain["search"]["space"], arguments, self.parser.parse_overrides)


class OptunaSweeper(_SpaceSweeper):
    """`search=optuna`: trials are jobs of the sweep, launched by whatever launcher, `parallel` at a time."""

    def __init__(self, parallel: int) -> None:
        self.parallel = at_a_time(parallel)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        study = _study()
        settings = checked(study.SearchSettings, self.plain["search"], "search")
        result = study.optimise(settings, self.space(arguments), self.folder, self.parallel, self.launch)
        print(study.ending(result), flush=True)

    def launch(self, trials: list[list[str]], first: int) -> Sequence[Path]:
        """Their run folders, once they have ended."""
        self.validate_batch_is_legal(trials)
        assert self.launcher is not None
        returned = self.launcher.launch(trials, initial_job_idx=first)
        for job in returned:
            _ = job.return_value  # raises what the job raised: a mistake that all trials share
        return [Path(job.hydra_cfg.hydra.runtime.output_dir) for job in returned if job.hydra_cfg is not None]


class WandbSweeper(_SpaceSweeper):
    """`search=wandb`: writes the file for W&B's sweep server, whose agents start the runs; none is started here."""

    def sweep(self, arguments: list[str]) -> None:
        from hourglass.sweeps.search.wandb import write_wandb_sweep  # not at every start of every Hydra application

        path = self.folder / "wandb_sweep.yaml"
        write_wandb_sweep(self.plain, self.space(arguments), path)
        print(f"wrote {path}; nothing was run. Next:\n  wandb sweep {path}\n  wandb agent ID  # the id that it prints")


def _study() -> Any:
    """The module that needs the extra `optuna`."""
    try:
        from hourglass.sweeps.search import study
    except ModuleNotFoundError as error:
        if error.name in ("optuna", "sqlalchemy"):
            raise ConfigError("search=optuna needs a package more: pip install 'hourglass[optuna]'") from None
        raise
    return study
