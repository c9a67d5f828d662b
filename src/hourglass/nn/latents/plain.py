"""The code as it is, and a code of a few numbers."""

import math

from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Count, Shape
from hourglass.nn.contract import NUMBER_BITS, Activation, Coded, CodeSpec
from hourglass.nn.layers import activate


class NoLatent(nn.Module):
    """The code passes unchanged."""

    noise_shape: Shape | None = None

    def __init__(self, spec: CodeSpec) -> None:
        super().__init__()
        self.code_size = math.prod(spec.code_shape)
        self.code_bits: float | None = NUMBER_BITS * self.code_size

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        return Coded(code, code.new_zeros(()))

    def bottleneck(self, code: Tensor) -> Tensor:
        return code

    def expand(self, bottleneck: Tensor) -> Tensor:
        return bottleneck

    def embed(self, code: Tensor) -> Tensor:
        return code.flatten(1)

    def sample(self, noise: Tensor) -> Tensor:
        raise IncompatiblePair("latent=none has no prior to sample from: use model=vae, or latent=gaussian")


class DenseLatent(nn.Module):
    """Bottleneck of `dim` values: flatten, Linear to dim, Linear back; the code is no longer laid out on a grid."""

    noise_shape: Shape | None = None

    def __init__(self, spec: CodeSpec, *, dim: Count, activation: Activation) -> None:
        super().__init__()
        self.code_size, self.shape = dim, spec.code_shape
        self.code_bits: float | None = NUMBER_BITS * dim
        self.down = nn.Linear(math.prod(self.shape), dim)
        self.up = nn.Sequential(nn.Linear(dim, math.prod(self.shape)), activate(activation))

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        return Coded(self.expand(self.bottleneck(code)), code.new_zeros(()))

    def bottleneck(self, code: Tensor) -> Tensor:
        return self.down(code.flatten(1))

    def expand(self, bottleneck: Tensor) -> Tensor:
        return self.up(bottleneck).unflatten(1, self.shape)

    def embed(self, code: Tensor) -> Tensor:
        return self.bottleneck(code)

    def sample(self, noise: Tensor) -> Tensor:
        raise IncompatiblePair("this code has no prior to sample from: use model=vae, or latent=gaussian")
