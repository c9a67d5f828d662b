"""A training of a second in this process, of parts made by hand: no configuration, no process, no data set."""

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from helpers.project import parts
from hourglass.core.signals import StopRequest
from hourglass.data import Splits
from hourglass.data.corruption import NoCorruption
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder, GaussianLatent, LinearDecoder, LinearEncoder
from hourglass.training import BCE, adam
from hourglass.training.loggers import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import build_trainer

SHAPE = (1, 8, 8)
PER_EPOCH = 6
"""Batches"""
BATCH_SIZE = 4


class Random:
    """A source of random images, the same in every run."""

    image_shape = SHAPE

    def load(self) -> Splits:
        images = torch.randint(256, (60, *SHAPE), generator=torch.Generator().manual_seed(0)).byte()
        return Splits(*images.split([PER_EPOCH * BATCH_SIZE, 16, 20]))


def images() -> ImageData:
    """The data module, with its images read."""
    sizes = {"batch_size": BATCH_SIZE, "eval_batch_size": 8, "val_size": None, "num_workers": 0}
    data = ImageData(source=Random(), corruption=NoCorruption(), seed=0, **sizes)
    data.setup()
    return data


def module(
    loss: Callable[[], Any] = BCE,
    latent: Callable[..., Any] = GaussianLatent,
    *,
    compiled: bool = False,
    **config: Any,
) -> AutoencoderModule:
    """A small linear VAE: its steps draw random numbers."""
    torch.manual_seed(0)
    autoencoder = Autoencoder(
        SHAPE,
        encoder=partial(LinearEncoder, dim=8, activation="relu"),
        latent=partial(latent, dim=3, activation="relu", beta=1.0, warmup_steps=4, free_bits=0.0),
        decoder=LinearDecoder,
        output="sigmoid",
    )
    optimizer = partial(adam, lr=0.01, betas=(0.9, 0.99), weight_decay=0.0, schedule="cosine")
    return AutoencoderModule(autoencoder, loss(), optimizer, parts().metrics, seed=0, config=config, compiled=compiled)


def make_trainer(**options: Any) -> partial[Trainer]:
    """What `conf/trainer` would describe."""
    defaults: dict[str, Any] = {
        "accelerator": "cpu", "devices": 1, "max_epochs": 2, "log_every_n_steps": 2, "num_sanity_val_steps": 0,
        "use_distributed_sampler": False, "enable_model_summary": False,
    }  # fmt: skip
    return partial(Trainer, **defaults | options)


def trainer_for(
    folder: Path, callbacks: Sequence[Callback] = (), stop: StopRequest | None = None, bar: bool = False, **options: Any
) -> Trainer:
    """The trainer of a run in `folder`; `options` are Lightning's."""
    folder.mkdir(exist_ok=True)
    return build_trainer(
        make_trainer(**options), folder, seed=0, checkpoint_every=4, callbacks=callbacks,
        loggers=[MetricsCsv(folder)], stop=stop or StopRequest(), bar=bar,
    )  # fmt: skip


def fit(trainer: Trainer, resume: bool = False, make: Callable[[], AutoencoderModule] = module) -> AutoencoderModule:
    """Train what `make` gives, with `resume` from the run's own `last.ckpt`; returns the trained module."""
    trained, data = make(), images()
    data.trainer = trainer
    last = Path(trainer.default_root_dir) / "checkpoints" / "last.ckpt"
    trainer.fit(trained, datamodule=data, ckpt_path=last if resume else None, weights_only=True)
    return trained


class At(Callback):
    """Does something with the module at the start of one batch, counted from 0 over all epochs."""

    def __init__(self, batch: int, action: Callable[[Any], object]) -> None:
        self.batches_left, self.action = batch, action

    def on_train_batch_start(self, trainer: Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        if self.batches_left == 0:
            self.action(module)
        self.batches_left -= 1


def terminate(_: Any) -> None:
    """SIGTERM to this process."""
    os.kill(os.getpid(), signal.SIGTERM)
