"""Reconstruction losses: `loss(reconstruction, target)` -> (N,), summed over each image's pixels; or `Judged`.

The loss of a perfect image is 0, except BCE's, which is the entropy of grey targets, and that of a learned variance.
`nats`: is the value a negative log likelihood? Then the objective is an ELBO with a Gaussian latent. `needs_mask`,
where a loss has it and it is true: the reconstruction comes with the `mask` of what the corruption removed.

A loss is a module, so it may hold networks. Its parameters that require a gradient are trained with the autoencoder's
and kept in checkpoints. A network of which no parameter does is frozen: always in `eval` mode, on the device of the
others, and neither in checkpoints nor in the costs of a run.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import ConfigError
from hourglass.core.measures import Measure
from hourglass.core.types import NonNegative, Positive, Shape
from hourglass.data import noise
from hourglass.metrics.perceptual import PerceptualDistance
from hourglass.metrics.similarity import ms_ssim, ssim
from hourglass.nn.autoencoder import Autoencoder, Reconstruction
from hourglass.nn.contract import Judged, Logs
from hourglass.nn.layers import evaluating

Where = Literal["all", "masked", "visible"]
"""Which pixels of an image count: all, or only those that the corruption removed, or left."""
MASKS = 64
"""Images whose masks tell whether anything counts: one by one, since mostly the first does"""


class PixelLoss(nn.Module):
    """A sum over the pixels of an image that `where` names; where no mask comes, nothing was removed."""

    nats = False

    def __init__(self, where: Where = "all") -> None:
        super().__init__()
        self.where = where

    @property
    def needs_mask(self) -> bool:
        return self.where != "all"

    def values(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        """(N, C, H, W), of each pixel and channel."""
        raise NotImplementedError

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Any:
        values = self.values(reconstruction, target)
        if self.needs_mask:
            mask = reconstruction.mask
            removed = torch.zeros_like(values, dtype=torch.bool) if mask is None else mask
            values = values * (removed if self.where == "masked" else ~removed)
        return values.flatten(1).sum(1)


class MSE(PixelLoss):
    """Σ (pixel - target)²: the negative log likelihood of N(pixel, ½), up to a constant."""

    def values(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        return (reconstruction.pixels - target).square()


class L1(PixelLoss):
    """Σ |pixel - target|"""

    def values(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        return (reconstruction.pixels - target).abs()


class GaussianLikelihood(PixelLoss):
    """-log N(target; pixel, σ²), nats, with one σ² for all pixels that is learned from `variance` on; logs `variance`.

    With latent=gaussian the objective is an ELBO, which a linear network brings to the likelihood of probabilistic PCA.
    Source: Rybkin et al. 2021; Lucas et al. 2019.
    """

    nats = True
    measures = {"variance": Measure("learned variance", "σ² of a pixel about its reconstruction.", bounds=(0, inf))}  # noqa: RUF012

    def __init__(self, variance: Positive, where: Where = "all") -> None:
        super().__init__(where)
        self.log_variance = nn.Parameter(torch.tensor(math.log(variance)))

    def values(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        squared = (reconstruction.pixels - target).square()
        return 0.5 * (math.log(2 * math.pi) + self.log_variance + squared * (-self.log_variance).exp())

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Judged:
        nats = super().forward(reconstruction, target)
        return Judged(nats, {"variance": self.log_variance.detach().exp()})


class BCE(PixelLoss):
    """Σ -t·log p - (1-t)·log(1-p), from logits; nats. Grey targets count as probabilities (Loaiza-Ganem 2019)."""

    nats = True

    def values(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        if reconstruction.logits is None:
            raise ConfigError("loss=bce needs pixels in [0, 1]: use model.output=sigmoid, or another loss")
        return F.binary_cross_entropy_with_logits(reconstruction.logits, target, reduction="none")


class SSIM(nn.Module):
    """(1 - SSIM)·pixels, with windows around the pixels at the border too. Source: Wang et al. 2004."""

    nats = False

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        return (1 - ssim(reconstruction.pixels, target, reflected=True)) * target[0].numel()


class MSSSIM(nn.Module):
    """(1 - MS-SSIM)·pixels. Source: Wang, Simoncelli & Bovik 2003; with fewer scales below 176 pixels a side, see
    `hourglass.metrics.similarity.scales`."""

    nats = False

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        return (1 - ms_ssim(reconstruction.pixels, target)) * target[0].numel()


class LPIPS(nn.Module):
    """Σ (pixel - target)² + weight·LPIPS·pixels; logs `lpips`. Source: Zhang et al. 2018, see `metrics.perceptual`."""

    nats = False
    measures = {  # noqa: RUF012
        "lpips": Measure(
            "LPIPS", "How far a trained VGG-16 sees the image from the target; 0 where they are equal.", "lower",
            bounds=(0, inf),
        )
    }  # fmt: skip

    def __init__(self, weight: NonNegative) -> None:
        super().__init__()
        self.weight, self.mse, self.distance = weight, MSE(), PerceptualDistance()

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Judged:
        distance = self.distance(reconstruction.pixels, target)
        loss = self.mse(reconstruction, target) + self.weight * distance * target[0].numel()
        return Judged(loss, {"lpips": distance.detach().mean()})


def judged(loss: nn.Module, result: Reconstruction, target: Tensor) -> Judged:
    """What the loss says of a batch; raises ConfigError where that is not a value for each image."""
    said = loss(result, target)
    verdict = said if isinstance(said, Judged) else Judged(said)
    name = type(loss).__name__
    if not isinstance(verdict.loss, Tensor) or verdict.loss.shape != (len(target),):
        shape = tuple(getattr(verdict.loss, "shape", ())) if isinstance(verdict.loss, Tensor) else type(said).__name__
        raise ConfigError(f"the loss {name} returned {shape}: a loss gives a value for each image, (N,), or Judged")
    return Judged(verdict.loss, checked_logs(verdict.logs, name))


def checked_logs(logs: Any, part: str) -> Logs:
    """Raise ConfigError unless these are scalars by name."""
    if not isinstance(logs, Mapping):
        raise ConfigError(f"{part} returned {type(logs).__name__} as its logs: they are scalars by name, {{'name': x}}")
    for name, value in logs.items():
        if not isinstance(value, Tensor) or value.shape != ():
            raise ConfigError(f"{part} logs {name}, which is no scalar tensor: log the mean over the images")
    return logs


def counts_no_pixel(loss: nn.Module, corruption: object, image_shape: Shape) -> bool:
    """Is the loss 0 whatever the reconstruction, by what this corruption removes of `MASKS` images?"""
    where = getattr(loss, "where", "all")
    if where == "all" or not hasattr(corruption, "mask"):
        return bool(where == "masked")
    keys = noise.keys(noise.seed_of("masks"), torch.arange(MASKS)).split(1)
    removed = (corruption.mask(noise.uniform(key, image_shape, "masks"), key) for key in keys)
    return not any(bool((mask if where == "masked" else ~mask).any()) for mask in removed)


def refuse_without_mask(loss: nn.Module, corruption: object, image_shape: Shape) -> None:
    """Raise ConfigError where the loss is about what the corruption removed, or left, and no pixel is known to be."""
    where, name = getattr(loss, "where", "…"), type(corruption).__name__
    if getattr(loss, "needs_mask", False) and not hasattr(corruption, "mask"):
        raise ConfigError(
            f"loss.where={where}, and {name} does not say what it removed: use corruption=patches, block or masking, "
            "or loss.where=all"
        )
    if counts_no_pixel(loss, corruption, image_shape):
        removes, cure = ("no pixel", "more") if where == "masked" else ("every pixel", "fewer")
        raise ConfigError(
            f"loss.where={where}, and {name} removes {removes} of an image of {'×'.join(map(str, image_shape))}, so "
            f"that the loss is always 0: remove {cure} by the values of corruption, or use loss.where=all"
        )


def refuse_small_batch(latent: nn.Module, batch_size: int) -> None:
    """Raise ConfigError where the latent compares more images with each other than a training batch has."""
    if batch_size < (least := getattr(latent, "least_images", 1)):
        raise ConfigError(
            f"{type(latent).__name__} compares the images of a batch: use data.batch_size={least} or more"
        )


def check_loss(loss: nn.Module, autoencoder: Autoencoder) -> tuple[list[str], list[str]]:
    """The names that latent and loss log: (of the latent, of the loss).

    Raises ConfigError now, and not in the first step, where the loss cannot use the autoencoder's output.
    """
    if not isinstance(getattr(loss, "nats", None), bool):
        raise ConfigError(f"the loss {type(loss).__name__} has no `nats`: True for a negative log likelihood, or False")
    for network in frozen_networks(loss).values():
        network.eval()
    zeros = next(autoencoder.parameters()).new_zeros(1, *autoencoder.image_shape)
    with evaluating(autoencoder):
        result = autoencoder.reconstruct(zeros)
        of_latent = checked_logs(result.logs, type(autoencoder.latent).__name__)
        verdict = judged(loss, result, zeros)
    if getattr(autoencoder.latent, "code_bits", 0) is None and "kl" not in of_latent:
        raise ConfigError(
            f"{type(autoencoder.latent).__name__} has code_bits=None, so its `kl` measures them, and it logs none: log "
            "the KL divergence in nats, or make code_bits the bits of an image's code"
        )
    return list(of_latent), list(verdict.logs)


def frozen_networks(loss: nn.Module) -> dict[str, nn.Module]:
    """The outermost modules inside the loss that have parameters, none of which requires a gradient, by their path."""

    def walk(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            yield path, module
        elif parameters:
            for name, child in module.named_children():
                yield from walk(child, f"{path}{name}.")

    return dict(walk(loss, ""))


def digest(networks: Mapping[str, nn.Module]) -> str:
    """16 hexadecimal digits of the weights of these networks; the same on every device."""
    sha = hashlib.sha256()
    for path, network in networks.items():
        for name, weight in network.state_dict().items():
            sha.update(f"{path}{name}".encode())
            sha.update(weight.detach().cpu().contiguous().view(-1).float().numpy().tobytes())
    return sha.hexdigest()[:16]
