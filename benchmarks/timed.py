"""What every loop that is timed gets, and how long it takes."""

import io
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.data import Splits
from hourglass.nn.autoencoder import Autoencoder


class Tiled:
    """The training images of another source, repeated or cut to `n`."""

    def __init__(self, source: Any, n: int) -> None:
        self.source, self.n, self.image_shape = source, n, source.image_shape

    def load(self) -> Splits:
        splits: Splits = self.source.load()
        return Splits(splits.train[torch.arange(self.n) % len(splits.train)], splits.val, splits.test)


class Stopwatch(Callback):
    """Seconds from the start of the epoch to the end of its last batch; validation comes after that."""

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.start = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.is_last_batch:
            self.seconds = time.perf_counter() - self.start


def objective(model: Autoencoder, loss: nn.Module, images: Tensor) -> Tensor:
    result = model.reconstruct(images)
    return (loss(result, images).mean() + result.regularization) / images[0].numel()


def parts(configuration: Configuration, n: int) -> tuple[Tensor, Autoencoder, nn.Module, Callable[..., Any]]:
    """`n` training images, (n, C, H, W) uint8, with model, loss and optimizer."""
    made = Parts(configuration)
    source = Tiled(made.data.source, n)
    return source.load().train, made.autoencoder(source.image_shape), made.loss, made.optimizer


def batch_size(configuration: Configuration) -> int:
    size: int = configuration.plain["data"]["batch_size"]
    return size


def seconds_of(trainer: Trainer, fit: Callable[[], object]) -> float:
    trainer.callbacks.append(stopwatch := Stopwatch())  # type: ignore[attr-defined]  # last: all others are counted
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
        fit()  # the progress bar is drawn, but not on this screen
    torch.use_deterministic_algorithms(False)  # a trainer leaves its setting behind
    return stopwatch.seconds
