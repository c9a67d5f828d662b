"""Reconstruction losses: `loss(reconstruction, target)` -> (N,), summed over each image's pixels.

The loss of a perfect image is 0, except BCE's, which is the entropy of grey targets. `nats`: is the value a negative
log likelihood? Then the objective is an ELBO with a Gaussian latent.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.functional.image import structural_similarity_index_measure as ssim

from hourglass.core.errors import ConfigError
from hourglass.core.types import Shape
from hourglass.nn.autoencoder import Autoencoder, Reconstruction


def ssim_window(image_shape: Shape) -> tuple[bool, int]:
    """(gaussian_kernel, kernel_size) for torchmetrics: its Gaussian of 11, or the odd square a tiny image holds."""
    side = min(image_shape[1:])
    return (True, 11) if side >= 11 else (False, max(side - (side + 1) % 2, 1))


class MSE(nn.Module):
    """Σ (pixel - target)²: the negative log likelihood of N(pixel, ½), up to a constant."""

    nats = False

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        return (reconstruction.pixels - target).square().flatten(1).sum(1)


class L1(nn.Module):
    """Σ |pixel - target|"""

    nats = False

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        return (reconstruction.pixels - target).abs().flatten(1).sum(1)


class BCE(nn.Module):
    """Σ -t·log p - (1-t)·log(1-p), from logits; nats. Grey targets count as probabilities (Loaiza-Ganem 2019)."""

    nats = True

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        if reconstruction.logits is None:
            raise ConfigError("loss=bce needs pixels in [0, 1]: use model.output=sigmoid, or another loss")
        return F.binary_cross_entropy_with_logits(reconstruction.logits, target, reduction="none").flatten(1).sum(1)


class SSIM(nn.Module):
    """(1 - SSIM)·pixels, data range 1. Source: Wang et al. 2004, as in torchmetrics."""

    nats = False

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        gaussian, window = ssim_window(tuple(target.shape[1:]))
        similarity = ssim(reconstruction.pixels, target, gaussian, kernel_size=window, data_range=1.0, reduction="none")
        assert isinstance(similarity, Tensor)
        return (1 - similarity.reshape(len(target))) * target[0].numel()


def check_loss(loss: nn.Module, autoencoder: Autoencoder) -> None:
    """Raise ConfigError now, and not in the first step, where the loss cannot use the autoencoder's output."""
    zeros = next(autoencoder.parameters()).new_zeros(1, *autoencoder.image_shape)
    was_training = autoencoder.training
    loss(autoencoder.eval().reconstruct(zeros), zeros)
    autoencoder.train(was_training)
