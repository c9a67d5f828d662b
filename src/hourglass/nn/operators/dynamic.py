"""Content-aware interpolation: the weights, or the positions, of a way up are computed from its input.

Beside the one learned convolution after the interpolation, which mixes the channels as in `Resize`, these operators
learn a small network that decides how to interpolate. So they are larger than the others, which a comparison has to
report: see `num_params`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Count, Factor, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import initialise
from hourglass.nn.operators.base import crop
from hourglass.nn.operators.fused import UpCall

HIDDEN, WINDOW = 64, 5
"""CARAFE: compressed channels; side of the neighbourhood, pixels."""
GROUPS, REACH = 4, 0.25
"""DySample: groups of channels; scale of the offsets."""


class Carafe(nn.Module):
    """Content-aware reassembly, then a convolution: x = conv3(r), r[p] = Σ_k softmax_k(w[p]) · y[⌊p/s⌋ + k].

    Each output pixel has its own weights for the 5×5 neighbourhood of its source: w = conv3(conv1(y)), through 64
    channels. Learned: conv1 and conv3 of the weights (conv3 starts at N(0, 0.001²), a box mean), and the convolution at
    the end. Size: n·s, cropped. Side information: none. Source: Wang et al. 2019, "CARAFE"; the last convolution is
    ours.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.compress = nn.Conv2d(in_channels, HIDDEN, 1)
        self.encode = nn.Conv2d(HIDDEN, WINDOW**2 * factor**2, 3, padding=1)
        initialise(self.conv, init, taps=in_channels * 9)  # after the others: the order of the draws fixes the weights
        start_near_zero(self.encode)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return self.reassemble(y, self.encode(self.compress(y)), size)

    def reassemble(self, y: Tensor, scores: Tensor, size: Size2d) -> Tensor:
        """The softmax of `scores` (N, 25·s², h, w) weighs the neighbours of each source."""
        n, c, h, w = y.shape
        weights = scores.view(n, WINDOW**2, self.factor**2, h * w).softmax(1)
        patches = F.unfold(y, WINDOW, padding=WINDOW // 2).view(n, c, WINDOW**2, h * w)
        blocks = patches.permute(0, 3, 1, 2) @ weights.permute(0, 3, 1, 2)  # (N, h·w, Ci, s²): a product for each pixel
        blocks = blocks.permute(0, 2, 3, 1).reshape(n, -1, h, w)
        return self.conv(crop(F.pixel_shuffle(blocks, self.factor), size))

    def fused(self) -> UpCall:
        """conv1 and conv3 of the weights in one: a channel of ones has conv1's bias, which ends at the border too."""
        small = torch.cat((self.compress.weight[:, :, 0, 0], self.compress.bias[:, None]), 1)  # type: ignore[index]
        merged = torch.einsum("omij,mc->ocij", self.encode.weight, small)

        def call(y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
            scores = F.conv2d(F.pad(y, (0, 0, 0, 0, 0, 1), value=1.0), merged, self.encode.bias, padding=1)
            return self.reassemble(y, scores, size)

        return call


class DySample(nn.Module):
    """Sampling at learned positions, then a convolution: x = conv3(bilinear(y, at p/s + 0.25·offset(y))).

    Each pixel, in each of gcd(4, Ci) groups of channels, moves its sampling point by an offset in pixels of y, computed
    by conv1. Learned: conv1 (starts at N(0, 0.001²), bilinear interpolation) and the convolution at the end. Size: n·s,
    cropped. Side information: none. Source: Liu et al. 2023, "Learning to upsample by learning to sample", its variant
    "lp" without scope; the last convolution is ours.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor, self.groups = factor, math.gcd(GROUPS, in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.offset = nn.Conv2d(in_channels, 2 * self.groups * factor**2, 1)
        initialise(self.conv, init, taps=in_channels * 9)  # after the other: the order of the draws fixes the weights
        start_near_zero(self.offset)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        n, _, h, w = y.shape
        offset = REACH * F.pixel_shuffle(self.offset(y), self.factor)  # (N, 2·groups, h·s, w·s), pixels of y
        offset = offset.reshape(n * self.groups, 2, *offset.shape[-2:]).permute(0, 2, 3, 1)
        rows, columns = (
            (2 * torch.arange(side * self.factor, dtype=y.dtype, device=y.device) + 1) / (side * self.factor) - 1
            for side in (h, w)
        )
        centres = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)  # (h·s, w·s, 2), x and y in (-1, 1)
        sides = torch.stack([y.new_full((), side) for side in (w, h)])  # a list would fix them in an exported graph
        grid = centres + offset * (2 / sides)
        grouped = y.reshape(n * self.groups, -1, h, w)
        x = F.grid_sample(grouped, grid, padding_mode="border", align_corners=False)
        return self.conv(crop(x.reshape(n, -1, *x.shape[-2:]), size))


def start_near_zero(conv: nn.Conv2d) -> None:
    """Normal, std 0.001, no bias: how the papers start what decides the interpolation, whatever `init` is."""
    nn.init.normal_(conv.weight, std=0.001)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
