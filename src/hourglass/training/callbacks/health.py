"""A network that trains without error may still be ill: each disease is named once, with its cure."""

import logging
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor

from hourglass.core.types import Count
from hourglass.data.batches import Batch
from hourglass.data.datamodule import ImageData
from hourglass.nn.autoencoder import Autoencoder
from hourglass.training.module import AutoencoderModule

log = logging.getLogger(__name__)

CURES = {
    "constant output": "the reconstruction hardly depends on the input, it is one grey or mean image: try a smaller "
    "optimizer.lr, a larger latent.dim, or for a VAE a smaller latent.beta, latent.warmup_steps or latent.free_bits",
    "short range": "the output spans less than half of the target's range: train longer, raise optimizer.lr, or use "
    "model.output=identity",
    "dead units": "most units of the code are the same for every image: try activation=leaky_relu, a smaller "
    "optimizer.lr, or norm=batch with blocks=1",
    "saturated sigmoid": "the sigmoid is saturated where it is wrong, so its gradient is gone: try loss=bce, a smaller "
    "optimizer.lr, or model.output=identity",
    "exploding code": "the code holds values beyond 10,000: try a smaller optimizer.lr, optimizer=adamw, or "
    "trainer.gradient_clip_val=1",
}


@torch.no_grad()
def diseases(autoencoder: Autoencoder, batch: Batch) -> list[str]:
    """The keys of `CURES` that apply to this network on this batch, in `eval` mode."""
    training = autoencoder.training
    autoencoder.eval()
    code = autoencoder.encoder(batch.input).code
    result = autoencoder.reconstruct(batch.input)
    autoencoder.train(training)
    pixels, target = result.pixels.float(), batch.target
    found = []
    if spread(pixels) < 0.01 * spread(target):
        found.append("constant output")
    if reach(pixels) < 0.5 * reach(target):
        found.append("short range")
    units = code.flatten(2).transpose(0, 1).flatten(1) if code.ndim == 4 else code.T  # (units, values)
    if (units.amax(1) == units.amin(1)).float().mean() > 0.5:
        found.append("dead units")
    if result.logits is not None:
        wrong = (pixels - target).abs() > 0.5
        if (wrong & (result.logits.abs() > 10)).float().mean() > 0.01:
            found.append("saturated sigmoid")
    if code.abs().max() > 1e4:
        found.append("exploding code")
    return found


def spread(images: Tensor) -> float:
    """Mean variance of a pixel over the images."""
    return float(images.var(0, correction=0).mean())


def reach(images: Tensor) -> float:
    """Range of the pixel values but for the outermost 0.5 % on each side."""
    values = images.flatten().sort().values
    cut = len(values) // 200
    return float(values[-1 - cut] - values[cut])


class Health(Callback):
    """Looks at some images after each validation; a disease seen twice in a row goes into `found`, with its epoch."""

    def __init__(self, *, images: Count) -> None:
        self.images = images
        self.found: dict[str, int] = {}
        self.suspected: list[str] = []

    def state_dict(self) -> dict[str, Any]:
        return {"found": self.found, "suspected": self.suspected}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.found, self.suspected = state_dict["found"], state_dict["suspected"]

    def on_validation_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        data: ImageData = trainer.datamodule  # type: ignore[attr-defined]
        batch = data.pick("val", range(min(self.images, len(data.images["val"]))), module.device)
        before, self.suspected = self.suspected, diseases(module.autoencoder, batch)
        for disease in self.suspected:
            if disease in before and disease not in self.found:
                self.found[disease] = data.epoch
                log.warning("health, epoch %s: %s: %s", data.epoch, disease, CURES[disease])
