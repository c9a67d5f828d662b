"""The Haar wavelet transform: each 2×2 block becomes its mean and three differences, in channels of their own."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Count, Factor, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import pad_to_multiple
from hourglass.nn.operators.base import crop, learned_conv


def hadamard(x: Tensor) -> Tensor:
    """(a, b, c, d) -> (a+b+c+d, a-b+c-d, a+b-c-d, a-b-c+d)/2, every four channels; orthonormal, and its own inverse."""
    a, b, c, d = x.unflatten(1, (-1, 4)).unbind(2)
    return torch.stack((a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d), 2).flatten(1, 2) / 2


def haar(x: Tensor, levels: int = 1) -> Tensor:
    """Haar transform, (N, C, H, W) -> (N, 4^levels·C, H/2^levels, W/2^levels); each level splits every band again."""
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


def folded(weight: Tensor, levels: int) -> Tensor:
    """(A, B·s², 1, 1), the weights of a conv1 over bands -> (A, B, s, s), those of a convolution of the pixels.

    The transform is orthonormal, so a stride-s convolution with these is conv1(haar(x)), and a transposed one with
    them, where A are the channels that go in, is haar⁻¹(conv1(y)): exactly, and faster than the two in turn.
    """
    return inverse_haar(weight, levels)


class HaarDown(nn.Module):
    """Haar transform, then conv1 over the bands: y = act(conv1(haar(x))); the first band is s times the block's mean.

    Orthonormal, so it keeps the power; followed by a convolution it spans the functions of `SpaceToDepth`, but learns
    differently. At s = 4 two levels, all bands split again (wavelet packets). Size: ceil(n/s); the last row and column
    are repeated up to a multiple of s. Side information: none. Source: Haar 1910; Liu et al. 2018, MWCNN.
    """

    index_kind: IndexKind | None = None

    def __init__(
        self, in_channels: Count, out_channels: Count, activation: nn.Module, *, factor: Factor, init: Init
    ) -> None:
        super().__init__()
        self.factor, self.levels = factor, haar_levels(factor, "encoder=space_to_depth")
        self.conv = learned_conv(in_channels * factor**2, out_channels, init, kernel_size=1)
        self.activation = activation

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        weight = folded(self.conv.weight, self.levels)
        pixels = pad_to_multiple(x, self.factor)
        return self.activation(F.conv2d(pixels, weight, self.conv.bias, stride=self.factor)), None


class HaarUp(nn.Module):
    """conv1 to s²·Co bands, then the inverse Haar transform: x = haar⁻¹(conv1(y)).

    Blocks do not overlap: it spans the functions of `Transpose` with kernel_size=s. At s = 4 two levels, as `HaarDown`.
    Size: n·s, cropped. Side information: none. Source: Haar 1910; Liu et al. 2018, MWCNN.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor, self.levels = factor, haar_levels(factor, "decoder=subpixel")
        self.conv = learned_conv(in_channels, out_channels * factor**2, init, kernel_size=1)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        weight = folded(self.conv.weight.transpose(0, 1), self.levels)
        bias = inverse_haar(self.conv.bias.view(1, -1, 1, 1), self.levels)  # type: ignore[union-attr]  # (1, Co, s, s)
        x = F.conv_transpose2d(y, weight, stride=self.factor)
        return crop(x + bias.repeat(1, 1, *y.shape[-2:]), size)
