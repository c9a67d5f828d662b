"""What operators of several mechanisms share: the learned convolution, and how the grid of an Up fits the image."""

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Count, Factor, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import initialise

Padding = Literal["zeros", "circular"]


def learned_conv(
    in_channels: int,
    out_channels: int,
    init: Init,
    *,
    kernel_size: int = 3,
    padding_mode: Padding = "zeros",
    taps: float | None = None,
    gain: float = math.sqrt(2.0),
) -> nn.Conv2d:
    """A k×k convolution, k odd, that keeps the size of its input, initialised; `taps` None: Ci·k²."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, padding_mode=padding_mode)
    initialise(conv, init, taps=in_channels * kernel_size**2 if taps is None else taps, gain=gain)
    return conv


class ConvThenPool(nn.Module):
    """act(conv3(x)) at full resolution; how it is pooled is up to the subclass."""

    index_kind: IndexKind | None = None
    padding_mode: Padding = "zeros"

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        self.factor = factor
        self.conv = learned_conv(in_channels, out_channels, init, padding_mode=self.padding_mode)
        self.activation = activation

    def features(self, x: Tensor) -> Tensor:
        return self.activation(self.conv(x))


def crop(x: Tensor, size: Size2d) -> Tensor:
    """The top left `size` pixels."""
    return x[..., : size[0], : size[1]]


def zero_insert(y: Tensor, phase: Tensor, factor: int) -> Tensor:
    """(N, C, h, w) -> (N, C, h·s, w·s): each value at one pixel of its s×s block, zeros elsewhere.

    `phase` (N,) int64 is that pixel, row·s + column in the block, one for each image.
    """
    one_hot = F.one_hot(phase, factor**2).to(y.dtype)
    return F.pixel_shuffle((y.unsqueeze(2) * one_hot[:, None, :, None, None]).flatten(1, 2), factor)
