"""Pictures of what a network makes of the test images, and of samples, as training goes on."""

from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from PIL import Image

from hourglass.core.files import replacing
from hourglass.core.types import Count
from hourglass.data import noise, pictures
from hourglass.data.batches import Batch
from hourglass.training.callbacks.code_pictures import code_pictures
from hourglass.training.loggers.contract import log_image
from hourglass.training.lookup import data_of, first_images
from hourglass.training.module import AutoencoderModule

SAMPLES = 32
"""Images drawn from the prior, a quarter of them a row."""
AMONG = 500
"""Test images whose codes are looked at, at most"""


class ImageGrids(Callback):
    """The same `count` test images every time, as PNG in the run folder and in the loggers, at log-spaced epochs.

    Epochs 0 (untrained), 1, 2, 4, 8, … and the last: rows input | corrupted, where they were | reconstruction | error,
    at one fixed scale; where the autoencoder is generative, samples of the prior from the same noise. At the end,
    pictures of the code: see `code_pictures`. They lie in `images/`.
    """

    def __init__(self, *, count: Count) -> None:
        self.count = count

    def on_train_start(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        if trainer.global_step == 0:
            self._draw(trainer, module, epoch=0)

    def on_train_epoch_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        epoch = data_of(trainer).epoch  # not Lightning's count: see `resume`
        if epoch & (epoch - 1) == 0 and epoch != trainer.max_epochs:
            self._draw(trainer, module, epoch)

    def on_train_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        self._draw(trainer, module, epoch=data_of(trainer).epoch, last=True)

    @torch.no_grad()
    def _draw(self, trainer: Trainer, module: AutoencoderModule, epoch: int, last: bool = False) -> None:
        if not trainer.is_global_zero:  # a forward without collectives, so the other ranks need not take part
            return
        batch = first_images(trainer, "test", self.count, module.device)
        module.autoencoder.eval()
        with trainer.precision_plugin.forward_context():
            grids = {"reconstructions": reconstructions(module, batch)}
            if module.autoencoder.generative:
                grids["samples"] = samples(module)
            if last:
                images = first_images(trainer, "test", AMONG, module.device).target
                grids |= code_pictures(module.autoencoder, images, min(self.count, len(images)))
        module.autoencoder.train(trainer.training)
        folder = Path(trainer.default_root_dir) / "images"
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in grids.items():
            with replacing(folder / f"{name}_epoch{epoch:04d}.png") as path:
                picture.save(path, "PNG")
            for logger in trainer.loggers:
                log_image(logger, f"images/{name}", picture, trainer.global_step)


def reconstructions(module: AutoencoderModule, batch: Batch) -> Image.Image:
    return pictures.grid(pictures.comparison(batch.target, batch.input, module.autoencoder(batch.input)))


def samples(module: AutoencoderModule) -> Image.Image:
    """Of the prior, from noise that is a function of the run's seed alone."""
    drawn = noise.prior(module.seed, SAMPLES, module.autoencoder.latent.noise_shape, module.device)
    images = module.autoencoder.sample(drawn)
    rows = {"samples" if i == 0 else " " * i: row for i, row in enumerate(images.split(SAMPLES // 4))}
    return pictures.grid(rows)
