"""Variational codes: of the image as a whole, and of each position."""

import math

import torch
from torch import Tensor, nn

from hourglass.core.types import Count, NonNegative, Shape, Size
from hourglass.nn.contract import Activation, Coded, CodeSpec, require_rank
from hourglass.nn.layers import activate


def divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL divergence from N(mean, exp(logvar)) to N(0, I) of each number of a code, nats: its mean over the images."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean(0)


def drawn(mean: Tensor, logvar: Tensor, noise: Tensor | None) -> Tensor:
    """z = mean + exp(logvar/2)·noise; without noise the mean."""
    return mean if noise is None else mean + (logvar / 2).exp() * noise


class _Gaussian(nn.Module):
    """z = mean + exp(logvar/2)·noise, prior N(0, I); without noise, z = mean.

    regularization = weight · Σ_d max(mean of KL_d over the batch, free_bits), d every number of the code; weight rises
    linearly from 0 to `beta` over the first `warmup_steps` training steps. In `eval` mode it is beta·KL.
    """

    mean: nn.Module
    logvar: nn.Module
    up: nn.Module
    code_bits: float | None = None  # measured: the KL divergence

    def __init__(self, noise_shape: Shape, *, beta: NonNegative, warmup_steps: Size, free_bits: NonNegative) -> None:
        super().__init__()
        self.noise_shape: Shape | None = noise_shape
        self.code_size = math.prod(noise_shape)
        self.beta, self.warmup_steps, self.free_bits = beta, warmup_steps, free_bits
        self.steps: Tensor
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # training batches seen, kept in checkpoints

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        mean, logvar = self.posterior(code)
        kl_per_dim = divergence(mean, logvar)
        kl = kl_per_dim.sum()
        regularization = self.beta * kl
        if self.training:
            self.steps += 1
            weight = (self.steps / max(self.warmup_steps, 1)).clamp(max=1.0) * self.beta
            regularization = weight * kl_per_dim.clamp(min=self.free_bits).sum()
        return Coded(self.expand(drawn(mean, logvar, noise)), regularization, {"kl": kl})

    def posterior(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, (N, *noise_shape) each."""
        return self.mean(self._flat(code)), self.logvar(self._flat(code))

    def bottleneck(self, code: Tensor) -> Tensor:
        mean: Tensor = self.mean(self._flat(code))
        return mean

    def expand(self, bottleneck: Tensor) -> Tensor:
        expanded: Tensor = self.up(bottleneck)
        return expanded

    def embed(self, code: Tensor) -> Tensor:
        return self.bottleneck(code).flatten(1)

    def sample(self, noise: Tensor) -> Tensor:
        return self.expand(noise)

    def _flat(self, code: Tensor) -> Tensor:
        """What the linear maps get."""
        return code


class GaussianLatent(_Gaussian):
    """Variational code of `dim` values an image, by linear maps; the code is no longer laid out on a grid.

    See `_Gaussian` for z and the regularization; `free_bits` is in nats per dimension.
    Source: Kingma & Welling 2014; beta: Higgins et al. 2017; free bits: Kingma et al. 2016.
    """

    def __init__(
        self,
        spec: CodeSpec,
        *,
        dim: Count,
        activation: Activation,
        beta: NonNegative,
        warmup_steps: Size,
        free_bits: NonNegative,
    ) -> None:
        super().__init__((dim,), beta=beta, warmup_steps=warmup_steps, free_bits=free_bits)
        self.shape = spec.code_shape
        self.mean = nn.Linear(math.prod(self.shape), dim)
        self.logvar = nn.Linear(math.prod(self.shape), dim)
        self.up = nn.Sequential(nn.Linear(dim, math.prod(self.shape)), activate(activation))

    def expand(self, bottleneck: Tensor) -> Tensor:
        return super().expand(bottleneck).unflatten(1, self.shape)

    def _flat(self, code: Tensor) -> Tensor:
        return code.flatten(1)


class SpatialGaussianLatent(_Gaussian):
    """Variational code of `dim` values a position, by 1×1 convolutions: the code keeps its place.

    See `_Gaussian` for z and the regularization; `free_bits` is in nats per dimension and position. Raises
    IncompatiblePair for a flat code. Source: Rombach et al. 2022, the latent of latent diffusion.
    """

    def __init__(
        self,
        spec: CodeSpec,
        *,
        dim: Count,
        activation: Activation,
        beta: NonNegative,
        warmup_steps: Size,
        free_bits: NonNegative,
    ) -> None:
        require_rank(spec.code_shape, 3, "latent=gaussian_spatial", "use latent=gaussian, or another encoder")
        channels, *grid = spec.code_shape
        super().__init__((dim, *grid), beta=beta, warmup_steps=warmup_steps, free_bits=free_bits)
        self.mean, self.logvar = nn.Conv2d(channels, dim, 1), nn.Conv2d(channels, dim, 1)
        self.up = nn.Sequential(nn.Conv2d(dim, channels, 1), activate(activation))
