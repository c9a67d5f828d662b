"""A network that trains without error may still be in trouble: each symptom is reported once, with its cure."""

import inspect
import logging
import re

import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn

from hourglass.core.types import Count
from hourglass.data.batches import Batch
from hourglass.nn.autoencoder import Autoencoder
from hourglass.nn.layers import evaluating
from hourglass.training.callbacks.stateful import Stateful
from hourglass.training.lookup import data_of, first_images
from hourglass.training.module import AutoencoderModule

log = logging.getLogger(__name__)

CURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "constant output": (
        "the reconstruction hardly depends on the input, it is one grey or mean image",
        (
            "a smaller optimizer.lr", "a larger latent.dim", "a larger latent.k", "a smaller latent.weight",
            "a smaller latent.beta", "a larger latent.warmup_steps or latent.free_bits",
        ),
    ),
    "short range": (
        "the output spans less than half of the target's range",
        ("more steps", "a larger optimizer.lr", "model.output=identity"),
    ),
    "dead units": (
        "most units of the code are the same for every image",
        ("activation=leaky_relu", "a smaller optimizer.lr", "norm=batch with blocks=1"),
    ),
    "saturated sigmoid": (
        "the sigmoid is saturated where it is wrong, so its gradient is gone",
        ("loss=bce", "a smaller optimizer.lr", "model.output=identity"),
    ),
    "exploding code": (
        "the code holds values beyond 10,000",
        ("a smaller optimizer.lr", "optimizer=adamw", "trainer.gradient_clip_val=1"),
    ),
    "codebook collapse": (
        "a few codes stand for everything",
        (
            "a larger latent.dead_below", "latent.kmeans=10 where it is 0", "a smaller optimizer.lr", "more steps",
            "fewer latent.levels", "a larger latent.diversity",
            "a smaller latent.codebook_size, or latent=fsq, which has no codebook to learn",
        ),
    ),
}  # fmt: skip
"""Symptom -> what it means, and what to try; what names options of a latent is for latents that have them."""


def advice(symptom: str, latent: nn.Module) -> str:
    """What the symptom means, and what to try with this latent: nothing by options that it lacks."""
    meaning, cures = CURES[symptom]
    has = inspect.signature(type(latent)).parameters
    possible = [cure for cure in cures if {*re.findall(r"latent\.(\w+)", cure)} <= {*has}]
    return f"{meaning}: try {'; '.join(possible)}"


@torch.no_grad()
def diagnostics(autoencoder: Autoencoder, batch: Batch) -> list[str]:
    """The symptoms, keys of `CURES`, that this network shows on this batch, in `eval` mode."""
    with evaluating(autoencoder):
        code = autoencoder.encoder(batch.input).code
        result = autoencoder.reconstruct(batch.input)
    pixels, target = result.pixels.float(), batch.target
    symptoms = []
    if spread(pixels) < 0.01 * spread(target):
        symptoms.append("constant output")
    if reach(pixels) < 0.5 * reach(target):
        symptoms.append("short range")
    units = code.flatten(2).transpose(0, 1).flatten(1) if code.ndim == 4 else code.T  # (units, values)
    if (units.amax(1) == units.amin(1)).float().mean() > 0.5:
        symptoms.append("dead units")
    if result.logits is not None:
        wrong = (pixels - target).abs() > 0.5
        if (wrong & (result.logits.abs() > 10)).float().mean() > 0.01:
            symptoms.append("saturated sigmoid")
    if code.abs().max() > 1e4:
        symptoms.append("exploding code")
    if result.codes is not None and any(collapsed(codes, autoencoder) for codes in result.codes.unbind(-1)):
        symptoms.append("codebook collapse")
    return symptoms


def collapsed(codes: Tensor, autoencoder: Autoencoder) -> bool:
    """Does a codebook use less than a tenth of the codes that this many positions could?"""
    return len(codes.unique()) < 0.1 * min(autoencoder.latent.codebook_size, codes.numel())


def spread(images: Tensor) -> float:
    """Mean variance of a pixel over the images."""
    return float(images.var(0, correction=0).mean())


def reach(images: Tensor) -> float:
    """Range of the pixel values but for the outermost 0.5 % on each side."""
    values = images.flatten().sort().values
    cut = len(values) // 200
    return float(values[-1 - cut] - values[cut])


class Health(Stateful):
    """Looks at `images` validation images after each validation; a symptom seen twice in a row is reported."""

    state_key, kept = "hourglass.health", ("since", "suspected", "looked")

    def __init__(self, *, images: Count) -> None:
        self.images = images
        self.since: dict[str, int] = {}
        """Symptom -> the epoch in which it was seen for the second time in a row"""
        self.suspected: list[str] = []
        """The symptoms at the last look"""
        self.looked = 0
        """The epoch of the last look"""

    def on_validation_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        batch = first_images(trainer, "val", self.images, module.device)
        before, self.suspected = self.suspected, diagnostics(module.autoencoder, batch)
        self.looked = epoch = data_of(trainer).epoch
        for symptom in self.suspected:
            if symptom in before and symptom not in self.since:
                self.since[symptom] = epoch
                log.warning("health, epoch %s: %s: %s", epoch, symptom, advice(symptom, module.autoencoder.latent))

    def at_the_end(self) -> dict[str, int]:
        """`since`; and a constant output at the last look, which a run that is looked at once can show but once."""
        constant = {symptom: self.looked for symptom in self.suspected if symptom == "constant output"}
        return constant | self.since
