"""What happens beside training: pictures, and stopping when the loss is no number."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from PIL import Image
from torch import Tensor

from hourglass import noise, pictures
from hourglass.data.module import ImageData
from hourglass.errors import Diverged
from hourglass.files import replacing
from hourglass.loggers import log_image
from hourglass.module import AutoencoderModule
from hourglass.spec import Count


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


class StopOnDivergence(Callback):
    """Ends the run at the first NaN or infinite loss, before it can reach a checkpoint.

    The first bad step is noted on the device, without waiting for it; it is looked at every `every_n_steps` steps and
    before each validation, hence before each checkpoint, by all ranks together.
    """

    def __init__(self, *, every_n_steps: Count) -> None:
        self.every_n_steps = every_n_steps
        self.bad_step: Tensor | None = None

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss: Tensor = outputs["loss"] if isinstance(outputs, dict) else outputs
        if self.bad_step is None:
            self.bad_step = torch.full((), -1, device=loss.device)
        now = torch.full_like(self.bad_step, trainer.global_step)
        self.bad_step = torch.where((self.bad_step < 0) & ~loss.detach().isfinite(), now, self.bad_step)
        if (batch_idx + 1) % self.every_n_steps == 0 or trainer.is_last_batch:
            self.look(trainer)

    def on_validation_end(self, trainer: Trainer, module: Any) -> None:
        loss = trainer.callback_metrics.get("val/loss")
        if not trainer.sanity_checking and loss is not None and not loss.isfinite():
            raise self._diverged(trainer, "validation loss", trainer.global_step)

    def look(self, trainer: Trainer) -> None:
        """Raise Diverged, on all ranks, if a loss since the last look was not finite."""
        if self.bad_step is None:
            return  # no batch yet
        step = int(self.bad_step)
        if trainer.strategy.reduce_boolean_decision(step >= 0, all=False):
            raise self._diverged(trainer, "training loss", step if step >= 0 else trainer.global_step)

    def _diverged(self, trainer: Trainer, what: str, step: int) -> Diverged:
        return Diverged(
            f"the {what} is not a finite number at step {step}; nothing after it was saved. "
            "Try a smaller optimizer.lr, trainer.gradient_clip_val=1, or trainer.precision=32-true"
        )
