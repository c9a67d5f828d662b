"""Operators that rearrange the pixels of each s×s block into channels, and back: down and up side by side.

Calls and counts as in `down.py` and `up.py`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.errors import IncompatiblePair
from hourglass.layers import initialise, pad_to_multiple, pixels
from hourglass.spec import Count, Factor, IndexKind, Init, Shape
from hourglass.up import Size2d, crop


class SpaceToDepth(nn.Module):
    """The pixels of a block become s²·Ci channels, then conv1: y = act(conv1(pixel_unshuffle(x))).

    The same function as `Strided` with kernel_size=s, but at the border: no pixel is lost, none is seen twice.
    Size: ceil(n/s); the last row and column are repeated up to a multiple of s. Side information: none.
    Source: Shi et al. 2016 (the inverse of sub-pixel convolution); Sajjadi et al. 2018.
    """

    index_kind: IndexKind | None = None

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels * factor**2, out_channels, 1)
        self.activation = activation
        initialise(self.conv, init, taps=in_channels * factor**2)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        blocks = F.pixel_unshuffle(pad_to_multiple(x, self.factor), self.factor)
        return self.activation(self.conv(blocks)), None

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out)


def hadamard(x: Tensor) -> Tensor:
    """(a, b, c, d) -> (a+b+c+d, a-b+c-d, a+b-c-d, a-b-c+d)/2, every four channels; orthonormal, and its own inverse."""
    a, b, c, d = x.unflatten(1, (-1, 4)).unbind(2)
    return torch.stack((a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d), 2).flatten(1, 2) / 2


def haar(x: Tensor, levels: int = 1) -> Tensor:
    """Haar transform, (N, C, H, W) -> (N, 4^levels·C, H/2^levels, W/2^levels); a level splits every band again."""
    for _ in range(levels):
        x = hadamard(F.pixel_unshuffle(x, 2))
    return x


def inverse_haar(x: Tensor, levels: int = 1) -> Tensor:
    for _ in range(levels):
        x = F.pixel_shuffle(hadamard(x), 2)
    return x


def haar_levels(factor: int, instead: str) -> int:
    if factor & (factor - 1):
        raise IncompatiblePair(f"the Haar transform halves, so it cannot do factor={factor}: use 2 or 4, or {instead}")
    return factor.bit_length() - 1


class HaarDown(nn.Module):
    """Haar transform, then conv1 over the bands: y = act(conv1(haar(x))); the first band is s times the block's mean.

    Orthonormal, so the power stays, and with the convolution behind it the functions are those of `SpaceToDepth`; the
    learning differs. At s = 4 two levels, all bands split again (wavelet packets). Size: ceil(n/s); the last row and
    column are repeated up to a multiple of s. Side information: none. Source: Haar 1910; Liu et al. 2018, MWCNN.
    """

    index_kind: IndexKind | None = None

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        self.factor, self.levels = factor, haar_levels(factor, "encoder=space_to_depth")
        self.conv = nn.Conv2d(in_channels * factor**2, out_channels, 1)
        self.activation = activation
        initialise(self.conv, init, taps=in_channels * factor**2)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.activation(self.conv(haar(pad_to_multiple(x, self.factor), self.levels))), None

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out)


class HaarUp(nn.Module):
    """conv1 to s²·Co bands, then the inverse Haar transform: x = haar⁻¹(conv1(y)).

    Blocks do not overlap: the functions are those of `Transpose` with kernel_size=s. At s = 4 two levels as `HaarDown`.
    Size: n·s, cropped. Side information: none. Source: Haar 1910; Liu et al. 2018, MWCNN.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor, self.levels = factor, haar_levels(factor, "decoder=subpixel")
        self.conv = nn.Conv2d(in_channels, out_channels * factor**2, 1)
        initialise(self.conv, init, taps=in_channels)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return crop(inverse_haar(self.conv(y), self.levels), size)

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_in)


def match_channels(x: Tensor, channels: int) -> Tensor:
    """(N, C, H, W) -> (N, channels, H, W) without weights: a box filter along the channels.

    Each is repeated L/C times, then every L/channels neighbours are averaged, L the least common multiple. Where one
    number divides the other, that is repetition alone (up in DC-AE) or averaging alone (down in DC-AE).
    """
    common = math.lcm(x.shape[1], channels)
    return x.repeat_interleave(common // x.shape[1], 1).unflatten(1, (channels, -1)).mean(2)


class ResidualDown(nn.Module):
    """DC-AE's way down: y = act(pixel_unshuffle(conv3(x)) + match(pixel_unshuffle(x))).

    The shortcut averages neighbouring channels of the rearranged input (`match_channels`), nothing in it is learned;
    conv3 has Co/s² outputs. Size: ceil(n/s); the last row and column are repeated up to a multiple of s. Side
    information: none. Matched: conv3 starts with half the power, the shortcut has the rest.
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
        self.conv = nn.Conv2d(in_channels, out_channels // factor**2, 3, padding=1)
        self.activation = activation
        initialise(self.conv, init, taps=in_channels * 9, gain=1.0)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        x = pad_to_multiple(x, self.factor)
        shortcut = match_channels(F.pixel_unshuffle(x, self.factor), self.out_channels)
        return self.activation(F.pixel_unshuffle(self.conv(x), self.factor) + shortcut), None

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out) * self.factor**2


class ResidualUp(nn.Module):
    """DC-AE's way up: x = pixel_shuffle(conv3(y)) + pixel_shuffle(match(y)).

    The shortcut repeats neighbouring channels (`match_channels`), nothing in it is learned; the shortcut of
    `ResidualDown` behind it gives y back where the channels divide. conv3 has s²·Co outputs. Size: n·s, cropped. Side
    information: none. Matched: conv3 starts with half the power, the shortcut has the rest.
    Source: Chen et al. 2024, "Deep compression autoencoder"; channels that do not divide are ours.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels * factor**2, 3, padding=1)
        initialise(self.conv, init, taps=in_channels * 9, gain=1.0)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        learned = self.conv(y)
        return crop(F.pixel_shuffle(learned + match_channels(y, learned.shape[1]), self.factor), size)

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_in)
