"""Penalties on a dense code: on its distribution over the images, and on its slope."""

import math

import torch
from torch import Tensor

from hourglass.core.errors import ConfigError
from hourglass.core.measures import Measure
from hourglass.core.types import Count, NonNegative, Shape, Size
from hourglass.nn.contract import Activation, Coded, CodeSpec
from hourglass.nn.latents.gaussian import GaussianLatent, divergence, drawn
from hourglass.nn.latents.plain import DenseLatent

MMD = {"mmd": Measure("MMD²", "From the codes of a batch to the prior; 0 if alike, below 0 by chance.", "lower")}

EXACT, PROBES = 32, 2
"""Of a contractive code: values up to which its Jacobian is exact by default, and random vectors beyond."""


def mmd(codes: Tensor, prior: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of codes (N, D) from as many draws of the prior, N(0, I): (), -2 to 2.

    Inverse multiquadratic kernel C / (C + |a - b|²), C = 2·D. The mean over pairs of different images is unbiased,
    whatever N is and though an image's own code may be made with its own draw. Source: Gretton et al. 2012, lemma 6;
    the kernel: Tolstikhin et al. 2018.
    """
    n, dim = codes.shape
    if n < 2:
        raise ConfigError("this latent compares the images of a batch, and there is one on each device: use a larger "
                          "data.batch_size")  # fmt: skip

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squared = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()
        return 2 * dim / (2 * dim + squared)  # (N, N)

    pairs = kernel(codes, codes) + kernel(prior, prior) - 2 * kernel(codes, prior)
    return (pairs.sum() - pairs.diagonal().sum()) / (n * (n - 1))


def discrepancy(codes: Tensor, prior: Tensor | None, training: bool) -> tuple[Tensor, Tensor]:
    """`mmd` as it is paid for, and as it is logged: of no draws both are 0. In an evaluation a batch of one image pays
    nothing, and NaN leaves it out of the mean over the batches."""
    paid = logged = codes.new_zeros(())
    if prior is not None:
        alone = len(codes) < 2 and not training
        paid, logged = (paid, logged + math.nan) if alone else (mmd(codes, prior),) * 2
    return paid, logged


class WassersteinLatent(DenseLatent):
    """Code of `dim` values of which those of a batch, together, are drawn towards the prior N(0, I); logs `mmd`.

    regularization = weight · MMD² of the batch on one device; the noise is what the codes are held against, and without
    it nothing is penalised. The code itself is not noisy. Source: Tolstikhin et al. 2018 (WAE-MMD).
    """

    measures, least_images = MMD, 2

    def __init__(self, spec: CodeSpec, *, dim: Count, weight: NonNegative, activation: Activation) -> None:
        super().__init__(spec, dim=dim, activation=activation)
        self.noise_shape: Shape | None = (dim,)
        self.weight = weight

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        values = self.bottleneck(code)
        paid, logged = discrepancy(values, noise, self.training)
        return Coded(self.expand(values), self.weight * paid, {"mmd": logged})

    def sample(self, noise: Tensor) -> Tensor:
        return self.expand(noise)


class InfoLatent(GaussianLatent):
    """Variational code of `dim` values of which those of a batch, together, are drawn towards the prior, too.

    regularization = kl_weight · KL + mmd_weight · MMD²: 1 - α and α + λ - 1 of the InfoVAE (Zhao et al. 2019);
    kl_weight=0 is the MMD-VAE (Zhao et al. 2017). Logs `kl` and `mmd`; the batch is that of one device.
    """

    measures, least_images = MMD, 2

    def __init__(
        self, spec: CodeSpec, *, dim: Count, kl_weight: NonNegative, mmd_weight: NonNegative, activation: Activation
    ) -> None:
        super().__init__(spec, dim=dim, activation=activation, beta=kl_weight, warmup_steps=0, free_bits=0.0)
        self.mmd_weight = mmd_weight

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        mean, logvar = self.posterior(code)
        kl, values = divergence(mean, logvar).sum(), drawn(mean, logvar, noise)
        paid, logged = discrepancy(values, noise, self.training)
        regularization = self.beta * kl + self.mmd_weight * paid
        return Coded(self.expand(values), regularization, {"kl": kl, "mmd": logged})


class ContractiveLatent(DenseLatent):
    """Code of `dim` values that is to change little with the image; logs `jacobian`.

    regularization = weight · |J|², J = ∂ code / ∂ pixels, squared Frobenius norm, a mean over the images. `probes=0`:
    exact, a backward pass for each of the `dim` values. Else Hutchinson's unbiased estimate, the mean of |vᵀJ|² over
    `probes` vectors of random signs, which the noise gives. None: exact up to 32 values, else of 2 probes. Given no
    images, nothing is penalised. The decoder can undo the penalty by large weights; weight decay holds it back.
    Source: Rifai et al. 2011; Hutchinson 1990.
    """

    needs_images = True
    has_prior = False
    measures = {  # noqa: RUF012
        "jacobian": Measure("slope of the code", "Squared norm of its Jacobian.", "lower", bounds=(0, math.inf))
    }

    def __init__(
        self, spec: CodeSpec, *, dim: Count, weight: NonNegative, probes: Size | None, activation: Activation
    ) -> None:
        super().__init__(spec, dim=dim, activation=activation)
        if probes is None:
            probes = 0 if dim <= EXACT else PROBES
        self.noise_shape: Shape | None = (probes, dim) if probes else None
        self.weight, self.probes = weight, probes

    def forward(self, code: Tensor, noise: Tensor | None = None, images: Tensor | None = None) -> Coded:
        values = self.bottleneck(code)
        norm = code.new_zeros(())
        if images is not None and (noise is not None or not self.probes):
            norm = self._squared_norm(values, noise, images)
        return Coded(self.expand(values), self.weight * norm, {"jacobian": norm})

    def _squared_norm(self, values: Tensor, noise: Tensor | None, images: Tensor) -> Tensor:
        """|J|² of values (N, dim) with respect to the images that they were made of."""
        if noise is None:
            each = torch.eye(self.code_size, dtype=values.dtype, device=values.device)
            vectors = each.unsqueeze(1).expand(-1, len(values), -1)  # (dim, N, dim)
        else:
            vectors = noise.sign().transpose(0, 1)  # (probes, N, dim)
        total = values.new_zeros(())
        for vector in vectors:
            (slope,) = torch.autograd.grad(values, images, vector, retain_graph=True, create_graph=self.training)
            total = total + slope.square().sum()
        return total / (len(values) * max(self.probes, 1))
