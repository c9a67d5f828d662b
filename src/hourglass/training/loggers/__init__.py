"""Where numbers and pictures go: `metrics.csv` always, W&B and TensorBoard as configured."""

from hourglass.training.loggers.wandb import tensorboard_logger, wandb_logger

__all__ = ["tensorboard_logger", "wandb_logger"]
