"""Variational codes."""

import math

import torch
from torch import Tensor, nn

from hourglass.core.types import Count, NonNegative, Shape, Size
from hourglass.nn.contract import Activation, Coded, CodeSpec
from hourglass.nn.layers import activate


class GaussianLatent(nn.Module):
    """Variational code of `dim` values: z = mean + exp(logvar/2)·noise, prior N(0, I); without noise, z = mean.

    regularization = weight · Σ_d max(mean of KL_d over the batch, free_bits); weight rises linearly from 0 to `beta`
    over the first `warmup_steps` training steps. In `eval` mode it is beta·KL. `free_bits` is in nats per dimension.
    Source: Kingma & Welling 2014; beta: Higgins et al. 2017; free bits: Kingma et al. 2016.
    """

    code_bits: float | None = None

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
        super().__init__()
        self.code_size, self.shape = dim, spec.code_shape
        self.noise_shape: Shape | None = (dim,)
        self.beta, self.warmup_steps, self.free_bits = beta, warmup_steps, free_bits
        self.mean = nn.Linear(math.prod(self.shape), dim)
        self.logvar = nn.Linear(math.prod(self.shape), dim)
        self.up = nn.Sequential(nn.Linear(dim, math.prod(self.shape)), activate(activation))
        self.steps: Tensor
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # training batches seen, kept in checkpoints

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        mean, logvar = self.posterior(code)
        kl_per_dim = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean(0)
        kl = kl_per_dim.sum()
        regularization = self.beta * kl
        if self.training:
            self.steps += 1
            weight = (self.steps / max(self.warmup_steps, 1)).clamp(max=1.0) * self.beta
            regularization = weight * kl_per_dim.clamp(min=self.free_bits).sum()
        z = mean if noise is None else mean + (logvar / 2).exp() * noise
        return Coded(self.expand(z), regularization, {"kl": kl})

    def posterior(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, (N, dim) each."""
        return self.mean(code.flatten(1)), self.logvar(code.flatten(1))

    def bottleneck(self, code: Tensor) -> Tensor:
        return self.mean(code.flatten(1))

    def expand(self, bottleneck: Tensor) -> Tensor:
        return self.up(bottleneck).unflatten(1, self.shape)

    def embed(self, code: Tensor) -> Tensor:
        return self.bottleneck(code)

    def sample(self, noise: Tensor) -> Tensor:
        return self.expand(noise)
