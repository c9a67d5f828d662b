"""Operators that go up through a fixed smooth filter; calls and counts as in `up.py`."""

import math
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.errors import IncompatiblePair
from hourglass.layers import box_kernel, initialise, pad_reflect, pixels
from hourglass.spec import Count, Factor, IndexKind, Init, Shape
from hourglass.up import Size2d, crop

CHANNEL_MEAN_SHARE = 1 / math.pi
"""The part of a rectified Gaussian's power that lies in its mean: what channels behind a ReLU have in common."""


class BilinearAdditive(nn.Module):
    """Bilinear interpolation, sums of every s² channels, then a convolution: x = conv3(Σ_j bilinear(y)[s²·c + j]).

    The numbers per image stay the same until conv3, which sees Ci/s² channels. Size: n·s, cropped. Side information:
    none. Matched for channels behind a ReLU, whose sum grows faster than that of independent ones.
    Source: Wojna et al. 2019, "The devil is in the decoder"; there it is a residual shortcut too.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        group = factor**2
        if in_channels % group:
            raise IncompatiblePair(
                f"decoder=bilinear_additive sums every {group} channels at factor={factor}, and gets {in_channels}: "
                f"use channels that are multiples of {group}, or decoder=bilinear"
            )
        self.factor = factor
        self.conv = nn.Conv2d(in_channels // group, out_channels, 3, padding=1)
        initialise(self.conv, init, taps=in_channels * 9 * (1 + (group - 1) * CHANNEL_MEAN_SHARE))

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        x = F.interpolate(y, scale_factor=float(self.factor), mode="bilinear")
        return self.conv(crop(x.unflatten(1, (-1, self.factor**2)).sum(2), size))

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out)


class Fir(nn.Module):
    """Zeros between the values, the filter of StyleGAN, then a convolution: x = conv3(s²·fir(z)), z[::s, ::s] = y.

    fir is three boxes of s pixels, one after the other: [1, 3, 3, 1]/8 a side at s = 2, where it is bilinear
    interpolation but for the zeros around the field; at s = 4 ten taps, equal to two steps of 2. Size: n·s, cropped.
    Side information: none. Source: Karras et al. 2019 to 2021 (upfirdn2d).
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        initialise(self.conv, init, taps=in_channels * 9)
        self.kernel: Tensor
        self.register_buffer("kernel", factor**2 * box_kernel(factor, 3), persistent=False)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        kernel = self.kernel.expand(y.shape[1], -1, -1, -1)
        x = F.conv_transpose2d(y, kernel, None, self.factor, self.factor - 1, 0, y.shape[1])
        return self.conv(crop(x, size))

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out) + self.kernel.numel() * shape_in[0] * pixels(shape_in)


class Smooth(nn.Module):
    """Any operator that goes up, then a fixed zero-order hold: x[i, j] = Σ up(y)[i-a, j-b] / s, 0 <= a, b < s.

    Every window holds each of the s² phases once, so a flat field stays flat, before training and after it. 1/s keeps
    the power of phases that are independent, as random weights make them; where they are equal (resize), x is s times
    as large. Size, side information and what is learned are those of `up`; the border is mirrored at the top and left.
    Source: Sugawara, Shiota & Kiya 2019; Kinoshita & Kiya 2020.
    """

    def __init__(self, up: Any) -> None:
        super().__init__()
        self.up, self.factor = up, up.factor
        self.needs_index: IndexKind | None = up.needs_index

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        x = pad_reflect(self.up(y, size, index), self.factor - 1, 0)
        return F.avg_pool2d(x, self.factor, stride=1) * self.factor

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        macs: int = self.up.macs(shape_in, shape_out)
        return macs
