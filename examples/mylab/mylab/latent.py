import math

import torch
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.metrics import Measure
from hourglass.nn import Coded, CodeSpec


class Rounded(nn.Module):
    """Each number becomes one of `levels` in [-1, 1], an odd count; gradients pass through. Mentzer et al. 2023."""

    noise_shape = None
    measures = {"used_levels": Measure("levels in use", "Exp of the entropy of the levels.", "higher")}  # noqa: RUF012

    def __init__(self, spec: CodeSpec, *, levels: int) -> None:
        super().__init__()
        self.half, self.code_size = levels // 2, math.prod(spec.code_shape)
        self.code_bits = self.code_size * math.log2(2 * self.half + 1)

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        bounded = code.tanh() * self.half
        rounded = bounded.round()
        share = torch.bincount((rounded + self.half).long().flatten(), minlength=2 * self.half + 1) / code.numel()
        logs = {"used_levels": (-(share * share.clamp(min=1e-9).log()).sum()).exp()}
        return Coded((bounded + (rounded - bounded).detach()) / self.half, code.new_zeros(()), logs)

    def embed(self, code: Tensor) -> Tensor:
        return (code.tanh() * self.half).round().flatten(1) / self.half

    def sample(self, noise: Tensor) -> Tensor:
        raise IncompatiblePair("latent=rounded has no prior to sample from: use latent=gaussian")
