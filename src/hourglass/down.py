"""Operators that go down: (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)), one learned convolution each.

Every class has the call `y, index = down(x)`. The activation stands where the field puts it: behind the convolution,
before a pooling. `index_kind` says what `index` holds; None where nothing travels beside the code. `index_bits(shape)`
counts that information for an output of shape (Co, h, w), per image.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.layers import cells, initialise
from hourglass.spec import Count, Factor, IndexKind, Init, Shape


class Strided(nn.Module):
    """Convolution that keeps every s-th output: y = act(conv_k(x)[::s, ::s]).

    Size: ceil(n/s); zeros are added at the border so that output (0, 0) is centred like that of a stride-1 convolution
    with padding (k-1)//2. k = `kernel_size`, or 2s - 1 where that is null. Side information: none.
    Source: Springenberg et al. 2015, "Striving for simplicity: the all convolutional net".
    """

    index_kind: IndexKind | None = None

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        activation: nn.Module,
        *,
        factor: Factor,
        init: Init,
        kernel_size: Count | None,
    ) -> None:
        super().__init__()
        self.factor, self.kernel_size = factor, kernel_size or 2 * factor - 1
        self.conv = nn.Conv2d(in_channels, out_channels, self.kernel_size, stride=factor)
        self.activation = activation
        initialise(self.conv, init, taps=in_channels * self.kernel_size**2)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        before = (self.kernel_size - 1) // 2
        h, w = ((cells(n, self.factor) - 1) * self.factor + self.kernel_size - n - before for n in x.shape[-2:])
        return self.activation(self.conv(F.pad(x, (before, w, before, h)))), None


class _Pooled(nn.Module):
    """act(conv3(x)) at full resolution; the pooling that follows is the subclass."""

    index_kind: IndexKind | None = None

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.activation = activation
        initialise(self.conv, init, taps=in_channels * 9)

    def features(self, x: Tensor) -> Tensor:
        return self.activation(self.conv(x))


class MaxPool(_Pooled):
    """Convolution, then the largest value of each s×s window: y = max_window act(conv3(x)).

    Size: ceil(n/s); the last window holds real pixels only. Side information: `index`, the flat position (row·W + column)
    of each maximum, log2(s²) bits a value. Source: Ranzato et al. 2007; the positions: Zeiler et al. 2011.
    """

    index_kind: IndexKind | None = "argmax"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled, index = F.max_pool2d(self.features(x), self.factor, ceil_mode=True, return_indices=True)
        return pooled, index

    def index_bits(self, shape: Shape) -> float:
        return math.prod(shape) * math.log2(self.factor**2)


class AvgPool(_Pooled):
    """Convolution, then the mean of each s×s window: y = mean_window act(conv3(x)).

    Size: ceil(n/s); the last window averages real pixels only. Side information: none. Source: LeCun et al. 1990.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return F.avg_pool2d(self.features(x), self.factor, ceil_mode=True, count_include_pad=False), None
