"""Where numbers and pictures go: `metrics.csv` always, W&B and TensorBoard as configured."""

from hourglass.core.compat.lightning import is_rank_zero
from hourglass.training.loggers.contract import LoggedRun, log_image
from hourglass.training.loggers.metrics_csv import MetricsCsv
from hourglass.training.loggers.tensorboard import tensorboard_logger
from hourglass.training.loggers.wandb import ResilientWandbLogger, wandb_logger

__all__ = [
    "LoggedRun",
    "MetricsCsv",
    "ResilientWandbLogger",
    "is_rank_zero",
    "log_image",
    "tensorboard_logger",
    "wandb_logger",
]
