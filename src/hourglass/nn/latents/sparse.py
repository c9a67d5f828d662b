"""Sparse codes: few of many numbers are active."""

import math
from typing import Literal

import torch
from torch import Tensor

from hourglass.core.errors import ConfigError
from hourglass.core.measures import Measure
from hourglass.core.types import Count, NonNegative, Probability
from hourglass.nn.contract import NUMBER_BITS, Activation, Coded, CodeSpec
from hourglass.nn.latents.plain import DenseLatent


class TopKLatent(DenseLatent):
    """k-sparse: of the `dim` values of a dense code the `k` largest are kept, the others are 0.

    Bits: 32 for each value kept, and log₂ C(dim, k) for which they are. Source: Makhzani & Frey 2013.
    """

    def __init__(self, spec: CodeSpec, *, dim: Count, k: Count, activation: Activation) -> None:
        if k > dim:
            raise ConfigError(f"latent.k={k} of latent.dim={dim} values cannot be kept: use latent.k={dim} or less")
        super().__init__(spec, dim=dim, activation=activation)
        self.k = k
        self.code_bits: float | None = NUMBER_BITS * k + math.log2(math.comb(dim, k))

    def bottleneck(self, code: Tensor) -> Tensor:
        dense = super().bottleneck(code)
        largest, where = dense.topk(self.k)
        return torch.zeros_like(dense).scatter(1, where, largest)

    def project(self, bottleneck: Tensor) -> Tensor:
        """The `k` values furthest from 0: the nearest code, which may have negative values."""
        where = bottleneck.abs().topk(self.k).indices
        return torch.zeros_like(bottleneck).scatter(1, where, bottleneck.gather(1, where))


class SparseLatent(DenseLatent):
    """A dense code of `dim` values that are 0 or more, with a penalty on their activity; logs it as `sparsity`.

    regularization = weight · sparsity. `l1`: of ReLU values, their sum, a mean over the images. `kl`: of sigmoid
    values, Σ_d KL(activity ‖ mean of value d over the batch) of Bernoulli variables, in nats. The batch is that of one
    device. The decoder can undo `l1` by large weights; weight decay holds it back. Source: Ng 2011.
    """

    measures = {  # noqa: RUF012
        "sparsity": Measure("sparsity penalty", "How active the code is, unweighted.", "lower", bounds=(0, math.inf))
    }

    def __init__(
        self,
        spec: CodeSpec,
        *,
        dim: Count,
        penalty: Literal["l1", "kl"],
        weight: NonNegative,
        activity: Probability,
        activation: Activation,
    ) -> None:
        super().__init__(spec, dim=dim, activation=activation)
        self.penalty, self.weight, self.activity = penalty, weight, activity

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        values = self.bottleneck(code)
        sparsity = values.sum(1).mean() if self.penalty == "l1" else self._divergence(values.mean(0))
        return Coded(self.expand(values), self.weight * sparsity, {"sparsity": sparsity})

    def bottleneck(self, code: Tensor) -> Tensor:
        dense = super().bottleneck(code)
        return dense.relu() if self.penalty == "l1" else dense.sigmoid()

    def project(self, bottleneck: Tensor) -> Tensor:
        return bottleneck.relu() if self.penalty == "l1" else bottleneck.clamp(0, 1)

    def _divergence(self, mean: Tensor) -> Tensor:
        """Σ KL(activity ‖ mean), of means (dim,)."""
        mean = mean.clamp(1e-6, 1 - 1e-6)
        return sum(
            torch.special.xlogy(share, share / of_batch).sum()
            for share, of_batch in ((self.activity, mean), (1 - self.activity, 1 - mean))
        )
