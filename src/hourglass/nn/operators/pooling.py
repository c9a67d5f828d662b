"""Pooling: each s×s window becomes one value; unpooling: each value becomes an s×s window again."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Count, Factor, Shape, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.operators.base import ConvThenPool, crop, learned_conv

MONOTONE = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.Identity)
"""The largest value after them is that of the largest before: fewer values need one where they come behind the pool."""


class MaxPool(ConvThenPool):
    """Convolution, then the largest value of each s×s window: y = max_window act(conv3(x)).

    Size: ceil(n/s); the last windows hold real pixels only. Side information: `index`, the flat position (row·W +
    column) of each maximum, log2(s²) bits per value; None where no decoder wants them (`keeps_index`). Source: Ranzato
    et al. 2007; the positions: Zeiler et al. 2011.
    """

    index_kind: IndexKind | None = "argmax"
    keeps_index = True

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        if not self.keeps_index:
            if isinstance(self.activation, MONOTONE):
                return self.activation(F.max_pool2d(self.conv(x), self.factor, ceil_mode=True)), None
            return F.max_pool2d(self.features(x), self.factor, ceil_mode=True), None
        pooled, index = F.max_pool2d(self.features(x), self.factor, ceil_mode=True, return_indices=True)
        return pooled, index

    def index_bits(self, shape: Shape) -> float:
        return math.prod(shape) * math.log2(self.factor**2)


class AvgPool(ConvThenPool):
    """Convolution, then the mean of each s×s window: y = mean_window act(conv3(x)).

    Size: ceil(n/s); the last windows average real pixels only. Side information: none. Source: LeCun et al. 1990.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return F.avg_pool2d(self.features(x), self.factor, ceil_mode=True, count_include_pad=False), None


class LpPool(ConvThenPool):
    """Convolution, then the power mean of each s×s window: y = (mean_window |f|^p)^(1/p), f = act(conv3(x)).

    p = 1 is the mean of magnitudes, p = 2 the root mean square; a large p is near the maximum. Size: ceil(n/s); the
    last windows hold real pixels only. Side information: none. Source: Sermanet et al. 2012; Gulcehre et al. 2014.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        activation: nn.Module,
        *,
        factor: Factor,
        init: Init,
        power: Count,
    ) -> None:
        super().__init__(in_channels, out_channels, activation, factor=factor, init=init)
        self.power = power

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        powers = self.features(x).abs() ** self.power
        mean = F.avg_pool2d(powers, self.factor, ceil_mode=True, count_include_pad=False)
        return mean.clamp(min=1e-12) ** (1 / self.power), None  # at 0 the root has an infinite slope


class Nearest(nn.Module):
    """Nearest-neighbour unpooling: every value becomes an s×s block, x[i, j] = conv3(y)[i//s, j//s].

    The convolution comes before the copy, so nothing smooths the blocks; in `Resize` it comes after. Size: n·s,
    cropped. Side information: none. Source: textbooks' unpooling by "nearest neighbour".
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = learned_conv(in_channels, out_channels, init)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return crop(F.interpolate(self.conv(y), scale_factor=float(self.factor), mode="nearest"), size)


Positions = Literal["kept", "rows", "shuffled"]
"""Which of the encoder's positions max unpooling goes by: all, their rows alone, or those of other windows."""


class MaxUnpool(nn.Module):
    """Max unpooling: x = conv3(z), where each value of y stands in z at the position its maximum had, among zeros.

    Size: exactly `size`. Side information: the encoder's `argmax` index, log2(s²) bits per value past the bottleneck.
    With `positions=rows` it goes by half of the bits: each value stands in the row of its maximum, in the first column
    of its window. With `shuffled`, a control, it stands where the maximum of another window stood, always the same
    other one: as many bits, and none about this window. Implemented as a scatter, which is deterministic where
    `max_unpool2d` is not: the windows do not overlap, so no two values share a position. Source: Zeiler et al. 2011;
    Zhao et al. 2015, "Stacked what-where auto-encoders"; `rows` and `shuffled` are ours.
    """

    needs_index: IndexKind | None = "argmax"

    def __init__(
        self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init, positions: Positions = "kept"
    ) -> None:
        super().__init__()
        self.factor, self.positions = factor, positions
        self.index_share = 0.5 if positions == "rows" else 1.0
        self.conv = learned_conv(in_channels, out_channels, init, taps=in_channels * 9 / factor**2)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        if index is None:
            raise IncompatiblePair("max unpooling got no positions: use encoder=maxpool, or decoder=bed_of_nails")
        if self.positions != "kept":
            index = self.moved(index, size)
        flat = y.new_zeros(*y.shape[:2], size[0] * size[1]).scatter(2, index.flatten(2), y.flatten(2))
        return self.conv(flat.unflatten(2, size))

    def moved(self, index: Tensor, size: Size2d) -> Tensor:
        """The positions (N, C, h, w) that are gone by, in an image of `size`, for the encoder's `index`."""
        s = self.factor
        top = torch.arange(index.shape[-2], device=index.device)[:, None] * s
        left = torch.arange(index.shape[-1], device=index.device) * s
        row, column = index // size[1] - top, index % size[1] - left  # inside the window
        if self.positions == "rows":
            return (top + row) * size[1] + left
        other = torch.randperm(index[0, 0].numel(), generator=torch.Generator().manual_seed(0)).to(index.device)
        row, column = (part.flatten(2)[..., other].view_as(part) for part in (row, column))
        return (top + row).clamp(max=size[0] - 1) * size[1] + (left + column).clamp(max=size[1] - 1)
