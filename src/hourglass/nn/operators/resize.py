"""Resizing: interpolation as for images, the convolution before it on the way down and after it on the way up."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Count, Factor, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import cells, initialise, pad_reflect
from hourglass.nn.operators.base import ConvThenPool, crop, learned_conv
from hourglass.nn.operators.fused import UpCall, interpolated_conv3


class AntialiasResize(ConvThenPool):
    """Convolution, then an image resize with a low-pass filter as wide as the step: y = resize(act(conv3(x))).

    The filter is `F.interpolate(antialias=True)`, a triangle of 2s pixels (bilinear) or a cubic of 4s (bicubic),
    truncated and renormalised at the border, as in Pillow. Size: ceil(n/s); where s does not divide n, the grid is
    stretched over the image, in steps of n/ceil(n/s). Side information: none. Source: Pillow's resize.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        activation: nn.Module,
        *,
        factor: Factor,
        init: Init,
        mode: Literal["bilinear", "bicubic"],
    ) -> None:
        super().__init__(in_channels, out_channels, activation, factor=factor, init=init)
        self.mode = mode

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        size, f = [cells(n, self.factor) for n in x.shape[-2:]], self.features(x)
        wide = f.to(torch.promote_types(f.dtype, torch.float32))  # not implemented for bfloat16 on the CPU
        return F.interpolate(wide, size, mode=self.mode, antialias=True).to(f.dtype), None


class Resize(nn.Module):
    """Resize + convolution: x = conv3(interpolate(y)), the cure of Odena et al. for checkerboards.

    `mode` nearest, bilinear or bicubic (align_corners=False; a = -0.75); `padding` of the convolution: zeros or reflect
    (no dark rim). Size: n·s, cropped. Side information: none. Source: Odena, Dumoulin & Olah 2016, Distill.
    """

    needs_index: IndexKind | None = None

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        *,
        factor: Factor,
        init: Init,
        mode: Literal["nearest", "bilinear", "bicubic"],
        padding: Literal["zeros", "reflect"],
    ) -> None:
        super().__init__()
        self.factor, self.mode, self.padding = factor, mode, padding
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=int(padding == "zeros"))
        initialise(self.conv, init, taps=in_channels * 9)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        x = crop(F.interpolate(y, scale_factor=float(self.factor), mode=self.mode), size)
        return self.conv(pad_reflect(x, 1, 1) if self.padding == "reflect" else x)

    def fused(self) -> UpCall:
        """Interpolation and convolution in one; bicubic has too many taps to gain by that."""
        return self if self.mode == "bicubic" else interpolated_conv3(self.conv, self.factor, self.mode, self.padding)


CHANNEL_MEAN_SHARE = 1 / math.pi
"""The share of a rectified Gaussian's power that lies in its mean: what channels after a ReLU have in common."""


class BilinearAdditive(nn.Module):
    """Bilinear interpolation, the sum of every s² channels, a convolution: x = conv3(Σ_j bilinear(y)[s²·c + j]).

    The number of values stays the same up to conv3, which sees Ci/s² channels. Size: n·s, cropped. Side information:
    none. Matched for channels after a ReLU, whose sum has more power than that of independent ones.
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
        taps = in_channels * 9 * (1 + (group - 1) * CHANNEL_MEAN_SHARE)
        self.conv = learned_conv(in_channels // group, out_channels, init, taps=taps)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        summed = self.summed(y)  # the same after the interpolation, at s² times the cost
        return self.conv(crop(F.interpolate(summed, scale_factor=float(self.factor), mode="bilinear"), size))

    def summed(self, y: Tensor) -> Tensor:
        return y.unflatten(1, (-1, self.factor**2)).sum(2)

    def fused(self) -> UpCall:
        """Interpolation and convolution in one."""
        of_summed = interpolated_conv3(self.conv, self.factor, "bilinear", "zeros")

        def call(y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
            return of_summed(self.summed(y), size, index)

        return call
