"""Operators that go down: (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)), one learned convolution each.

Every class has the call `y, index = down(x)`. The activation stands where the field puts it: behind the convolution,
before a pooling. `index_kind` says what `index` holds; None where nothing travels beside the code. `index_bits(shape)`
counts that information for an output of shape (Co, h, w), per image. `macs(shape_in, shape_out)` counts the
multiply-adds of all convolutions, fixed filters included; sums and comparisons of pooling are free.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Count, Factor, Shape
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import initialise, pixels


class Pooled(nn.Module):
    """act(conv3(x)) at full resolution; the pooling that follows is the subclass."""

    index_kind: IndexKind | None = None
    padding_mode: Literal["zeros", "circular"] = "zeros"

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode=self.padding_mode)
        self.activation = activation
        initialise(self.conv, init, taps=in_channels * 9)

    def features(self, x: Tensor) -> Tensor:
        return self.activation(self.conv(x))

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_in)


Size2d = tuple[int, int]


def crop(x: Tensor, size: Size2d) -> Tensor:
    return x[..., : size[0], : size[1]]


def nails(y: Tensor, phase: Tensor, factor: int) -> Tensor:
    """Each value at one pixel of its s×s block, zeros elsewhere; `phase` (N,) int64 is row·s + column in a block."""
    one_hot = F.one_hot(phase, factor**2).to(y.dtype)
    return F.pixel_shuffle((y.unsqueeze(2) * one_hot[:, None, :, None, None]).flatten(1, 2), factor)
