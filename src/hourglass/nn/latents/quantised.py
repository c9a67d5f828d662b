"""Codes of whole numbers: each position of the code is replaced by one of finitely many vectors.

In training each process quantises the batch of all of them, see `whole_batch`; in `eval` mode nothing is drawn and
nothing changes. `quantisers.py` has the ways to do it.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Shape
from hourglass.nn.contract import Activation, Coded, CodeSpec
from hourglass.nn.latents.whole_batch import gathered, own, same_draws
from hourglass.nn.layers import activate, evaluating, exact_products


class QuantisedLatent(nn.Module):
    """1×1 convolution to `dim` numbers a position, the nearest of `codebook_size` codes, 1×1 convolution back.

    A flat code is one position. `regularization` is the quantiser's loss in training, summed over the positions of an
    image, and 0 in `eval` mode. Logs, of a batch, means over the quantisers: `usage`, the share of the codebook that
    was chosen, and `perplexity`, exp of the entropy of the choices, at most `codebook_size`.
    """

    noise_shape: Shape | None = None
    quantizer: Any
    """(N, positions, dim) -> codes of that shape, their numbers (N, positions[, quantizers]), and its losses, if any"""

    def __init__(
        self, spec: CodeSpec, *, dim: int, codebook_size: int, activation: Activation, quantizers: int = 1
    ) -> None:
        super().__init__()
        channels, *grid = spec.code_shape
        self.shape, self.grid = spec.code_shape, tuple(grid or (1, 1))
        self.dim, self.codebook_size, self.quantizers = dim, codebook_size, quantizers
        self.code_size = dim * math.prod(self.grid)
        self.code_bits: float | None = math.prod(self.grid) * quantizers * math.log2(codebook_size)
        self.down = nn.Conv2d(channels, dim, 1)
        self.up = nn.Sequential(nn.Conv2d(dim, channels, 1), activate(activation))

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        z = self._projected(code)
        if self.training:
            quantised, codes, penalty = self._of_the_whole_batch(z)
        else:
            codes, penalty = self._chosen(z), z.new_zeros(())
            quantised = self._vectors(codes)
        with torch.no_grad():
            counts = count(codes, self.codebook_size)
            logs = {"perplexity": perplexity(counts).to(z.dtype), "usage": usage(counts).to(z.dtype)}
        return Coded(self.expand(quantised), penalty, logs, own(codes) if self.training else codes)

    def codes(self, code: Tensor) -> Tensor:
        """The numbers of the codes, (N, h, w, quantizers) int64 in [0, codebook_size)."""
        return self._chosen(self._projected(code))

    def decode_codes(self, codes: Tensor) -> Tensor:
        """What the decoder gets of these numbers, as of `codes`."""
        return self.expand(self._vectors(codes))

    def bottleneck(self, code: Tensor) -> Tensor:
        return self._vectors(self.codes(code))

    def expand(self, bottleneck: Tensor) -> Tensor:
        return self.up(bottleneck).view(-1, *self.shape)

    def project(self, bottleneck: Tensor) -> Tensor:
        """The nearest codes; of several quantisers, that of what the ones before it left over."""
        return self._vectors(self._chosen(bottleneck))

    def embed(self, code: Tensor) -> Tensor:
        return self.bottleneck(code).flatten(1)

    def sample(self, noise: Tensor) -> Tensor:
        raise IncompatiblePair("a quantised latent has no prior to sample from: use model=vae, or latent=gaussian")

    def quantise(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, positions, dim) -> the codes with a gradient, their numbers, and the loss of one position."""
        quantised, codes, loss = self.quantizer(z)
        return quantised, codes, self.dim * loss.sum()  # of each quantiser the mean over the numbers

    def nearest(self, z: Tensor) -> Tensor:
        """The numbers of `quantise` alone, in `eval` mode."""
        return self.quantise(z)[1]

    def vectors(self, codes: Tensor) -> Tensor:
        """(N, positions, quantizers) -> (N, positions, dim)"""
        found: Tensor = self.quantizer.indices_to_codes(codes[..., 0])
        return found

    @torch.compiler.disable
    def _of_the_whole_batch(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The codes of this process, with a gradient, the numbers of those of all, and the loss of an image."""
        with same_draws(z.device), exact_products(z.device):
            quantised, codes, loss = self.quantise(gathered(z).flatten(2).transpose(1, 2))
        quantised = own(quantised).transpose(1, 2).unflatten(2, self.grid)
        return quantised, self._numbers(codes), math.prod(self.grid) * loss

    @torch.no_grad()
    def _chosen(self, z: Tensor) -> Tensor:
        with evaluating(self), exact_products(z.device):  # asked in training too, this changes nothing
            return self._numbers(self.nearest(z.flatten(2).transpose(1, 2)))

    def _vectors(self, codes: Tensor) -> Tensor:
        with exact_products(codes.device):
            vectors = self.vectors(codes.flatten(1, 2)).to(self.down.weight.dtype)
        return vectors.transpose(1, 2).unflatten(2, self.grid)

    def _numbers(self, codes: Tensor) -> Tensor:
        return codes.long().reshape(-1, *self.grid, self.quantizers)

    def _projected(self, code: Tensor) -> Tensor:
        """(N, dim, h, w) in the precision of the weights: in half of it other codes would be the nearest."""
        numbers: Tensor = self.down(code if code.ndim == 4 else code[..., None, None])
        return numbers.to(self.down.weight.dtype)


def count(codes: Tensor, codebook_size: int) -> Tensor:
    """(…, quantizers) -> (quantizers, codebook_size): how often each code was chosen."""
    chosen = codes.flatten(0, -2).T
    return codes.new_zeros(len(chosen), codebook_size).scatter_add_(1, chosen, torch.ones_like(chosen))


def usage(counts: Tensor) -> Tensor:
    """The share of the codes that were chosen at all, of `count`; a mean over the quantisers, float64."""
    return (counts > 0).double().mean()


def perplexity(counts: Tensor) -> Tensor:
    """Exp of the entropy of the choices, of `count`; a mean over the quantisers, float64."""
    return torch.special.entr(counts.double() / counts.sum(1, keepdim=True)).sum(1).exp().mean()
