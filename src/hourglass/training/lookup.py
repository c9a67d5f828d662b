"""What hangs on a trainer, with its type: Lightning sets these attributes at run time and declares none of them."""

from typing import TypeVar

import torch
from lightning.pytorch import Callback, Trainer

from hourglass.data.batches import Batch, Split
from hourglass.data.datamodule import ImageData
from hourglass.training.loggers.metrics_csv import MetricsCsv

Kind = TypeVar("Kind", bound=Callback)


def data_of(trainer: Trainer) -> ImageData:
    data: ImageData = trainer.datamodule  # type: ignore[attr-defined]
    return data


def history_of(trainer: Trainer) -> MetricsCsv:
    return next(logger for logger in trainer.loggers if isinstance(logger, MetricsCsv))


def callback_of(trainer: Trainer, kind: type[Kind]) -> Kind | None:
    """The first callback of this class; None where the run has none."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return next((callback for callback in callbacks if isinstance(callback, kind)), None)


def first_images(trainer: Trainer, split: Split, count: int, device: torch.device | str) -> Batch:
    """The first `count` images of a split, or all where it has fewer, corrupted as in evaluation."""
    data = data_of(trainer)
    return data.pick(split, range(min(count, len(data.images[split]))), device)
