"""What happens beside training: pictures, and stopping when the loss is no number."""

from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from PIL import Image

from hourglass.core.files import replacing
from hourglass.core.types import Count
from hourglass.data import noise, pictures
from hourglass.data.datamodule import ImageData
from hourglass.training.loggers.wandb import log_image
from hourglass.training.module import AutoencoderModule


class ImageGrids(Callback):
    """The same test images every time, as PNG in the run folder and in the logger, at log-spaced epochs.

    Epochs 0 (untrained), 1, 2, 4, 8, … and the last: rows input | corrupted | reconstruction | error, at one fixed
    scale; where the autoencoder is generative, samples of the prior from the same noise. They lie in `images/`.
    """

    def __init__(self, *, count: Count) -> None:
        self.count = count

    def on_train_start(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        if trainer.global_step == 0:
            self._draw(trainer, module, epoch=0)

    def on_train_epoch_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        epoch = trainer.datamodule.epoch  # type: ignore[attr-defined]  # not Lightning's count: see `resume`
        if epoch & (epoch - 1) == 0 and epoch != trainer.max_epochs:
            self._draw(trainer, module, epoch)

    def on_train_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        self._draw(trainer, module, epoch=trainer.datamodule.epoch)  # type: ignore[attr-defined]

    @torch.no_grad()
    def _draw(self, trainer: Trainer, module: AutoencoderModule, epoch: int) -> None:
        if not trainer.is_global_zero:  # a forward without collectives, so the other ranks need not take part
            return
        data: ImageData = trainer.datamodule  # type: ignore[attr-defined]
        batch = data.pick("test", range(min(self.count, len(data.images["test"]))), module.device)
        autoencoder = module.autoencoder.eval()
        with trainer.precision_plugin.forward_context():
            drawn = {
                "reconstructions": pictures.grid(
                    pictures.comparison(batch.target, batch.input, autoencoder(batch.input))
                )
            }
            if autoencoder.generative:
                shape = autoencoder.latent.noise_shape
                keys = noise.keys(noise.seed_of("samples", module.seed), torch.arange(32, device=module.device))
                samples = autoencoder.sample(noise.normal(keys, shape, "prior"))
                rows = {"samples" if i == 0 else " " * i: row for i, row in enumerate(samples.split(8))}
                drawn["samples"] = pictures.grid(rows)
        autoencoder.train(trainer.training)
        for name, picture in drawn.items():
            self._keep(trainer, name, picture, epoch)

    def _keep(self, trainer: Trainer, name: str, picture: Image.Image, epoch: int) -> None:
        folder = Path(trainer.default_root_dir) / "images"
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / f"{name}_epoch{epoch:04d}.png") as path:
            picture.save(path, "PNG")
        for logger in trainer.loggers:
            log_image(logger, f"images/{name}", picture, trainer.global_step)
