"""TensorBoard event files, of the optional extra `tensorboard`."""

import importlib.util

from lightning.pytorch.loggers import Logger, TensorBoardLogger

from hourglass.core.errors import ConfigError
from hourglass.training.loggers.contract import LoggedRun


def tensorboard_logger(run: LoggedRun) -> Logger:
    """Event files under `tensorboard/` in the run folder; raises ConfigError where the package is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ConfigError("logger=tensorboard needs another package: pip install 'hourglass[tensorboard]'")
    return TensorBoardLogger(save_dir=run.folder, name="tensorboard", version="", default_hp_metric=False)
