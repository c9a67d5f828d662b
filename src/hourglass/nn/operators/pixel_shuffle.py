"""Pixel (un)shuffle: the pixels of each s×s block become channels, and channels become pixels; no value is computed."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Count, Factor, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import pad_to_multiple
from hourglass.nn.operators.base import crop, learned_conv


class SpaceToDepth(nn.Module):
    """The pixels of a block become s²·Ci channels, then conv1: y = act(conv1(pixel_unshuffle(x))).

    The same function as `Strided` with kernel_size=s, except at the border: no pixel is lost, none is seen twice.
    Size: ceil(n/s); the last row and column are repeated up to a multiple of s. Side information: none.
    Source: Shi et al. 2016 (the inverse of sub-pixel convolution); Sajjadi et al. 2018.
    """

    index_kind: IndexKind | None = None

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        self.factor = factor
        self.conv = learned_conv(in_channels * factor**2, out_channels, init, kernel_size=1)
        self.activation = activation

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        blocks = F.pixel_unshuffle(pad_to_multiple(x, self.factor), self.factor)
        return self.activation(self.conv(blocks)), None


class ResidualDown(nn.Module):
    """DC-AE's way down: y = act(pixel_unshuffle(conv3(x)) + match(pixel_unshuffle(x))).

    The shortcut averages neighbouring channels of the unshuffled input (`match_channels`) and learns nothing; conv3 has
    Co/s² outputs. Size: ceil(n/s); the last row and column are repeated up to a multiple of s. Side information: none.
    Matched: conv3 starts with half the power, the shortcut has the rest.
    Source: Chen et al. 2024, "Deep compression autoencoder"; the activation and channels that do not divide are ours.
    """

    index_kind: IndexKind | None = None

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        if out_channels % factor**2:
            raise IncompatiblePair(
                f"encoder=dcae makes its channels from blocks of {factor}x{factor} pixels, and {out_channels} is no "
                f"multiple of {factor**2}: use channels that are, or encoder=space_to_depth"
            )
        self.factor, self.out_channels = factor, out_channels
        self.conv = learned_conv(in_channels, out_channels // factor**2, init, gain=1.0)
        self.activation = activation

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        x = pad_to_multiple(x, self.factor)
        shortcut = match_channels(F.pixel_unshuffle(x, self.factor), self.out_channels)
        return self.activation(F.pixel_unshuffle(self.conv(x), self.factor) + shortcut), None


class Subpixel(nn.Module):
    """Sub-pixel convolution: x = pixel_shuffle(conv3(y)), s²·Co channels laid out as s×s blocks.

    `icnr`: the s² filters of a block start equal, so that the untrained layer equals conv3 followed by nearest.
    Size: n·s, cropped. Side information: none. Source: Shi et al. 2016; ICNR: Aitken et al. 2017.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init, icnr: bool) -> None:
        super().__init__()
        self.factor = factor
        self.conv = learned_conv(in_channels, out_channels * factor**2, init)
        if icnr:
            for parameter in self.conv.parameters():
                parameter.data = parameter.data[:: factor**2].repeat_interleave(factor**2, dim=0)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return crop(F.pixel_shuffle(self.conv(y), self.factor), size)


class ResidualUp(nn.Module):
    """DC-AE's way up: x = pixel_shuffle(conv3(y)) + pixel_shuffle(match(y)).

    The shortcut repeats neighbouring channels (`match_channels`) and learns nothing; where the channels divide, the
    shortcut of `ResidualDown` turns it back into y. conv3 has s²·Co outputs. Size: n·s, cropped. Side information:
    none. Matched: conv3 starts with half the power, the shortcut has the rest.
    Source: Chen et al. 2024, "Deep compression autoencoder"; channels that do not divide are ours.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = learned_conv(in_channels, out_channels * factor**2, init, gain=1.0)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        learned = self.conv(y)
        return crop(F.pixel_shuffle(learned + match_channels(y, learned.shape[1]), self.factor), size)


def match_channels(x: Tensor, channels: int) -> Tensor:
    """(N, C, H, W) -> (N, channels, H, W) without weights: a box filter along the channels.

    Each channel is repeated L/C times, then every L/channels neighbours are averaged, L the least common multiple.
    Where one number divides the other, that is repetition alone (DC-AE's way up) or averaging alone (its way down).
    """
    common = math.lcm(x.shape[1], channels)
    return x.repeat_interleave(common // x.shape[1], 1).unflatten(1, (channels, -1)).mean(2)
