"""Operators that go down: (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)), one learned convolution each.

Every class has the call `y, index = down(x)`. The activation stands where the field puts it: behind the convolution,
before a pooling. `index_kind` says what `index` holds; None where nothing travels beside the code. `index_bits(shape)`
counts that information for an output of shape (Co, h, w), per image. `macs(shape_in, shape_out)` counts the
multiply-adds of all convolutions, fixed filters included; sums and comparisons of pooling are free.
"""

import math
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Count, Factor, Shape
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import box_kernel, initialise, pad_reflect, pixels
from hourglass.nn.operators.base import Pooled, Size2d, crop

BlurTaps = Literal[3, 4, 5]


class BlurPool(Pooled):
    """Convolution, then a blur of which every s-th value is kept: y = blur(act(conv3(x)))[::s, ::s].

    The blur is taps - 1 boxes of s pixels, one after the other: at s = 2 the `taps` numbers [1, 2, 1]/4, [1, 3, 3, 1]/8
    or [1, 4, 6, 4, 1]/16 a side, at s = 4 as wide as two steps of 2, L = (taps - 1)(s - 1) + 1. The border is padded by
    floor and ceil of (L - 1)/2, by reflection, or by replication where the image is too small. Size: ceil(n/s). Side
    information: none. Source: Zhang 2019, "Making convolutional networks shift-invariant again"; s > 2 is ours.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        activation: nn.Module,
        *,
        factor: Factor,
        init: Init,
        taps: BlurTaps,
    ) -> None:
        super().__init__(in_channels, out_channels, activation, factor=factor, init=init)
        self.kernel: Tensor
        self.register_buffer("kernel", box_kernel(factor, taps - 1), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        x, reach = self.features(x), self.kernel.shape[-1] - 1
        kernel = self.kernel.expand(x.shape[1], -1, -1, -1)
        x = pad_reflect(x, reach // 2, reach - reach // 2)
        return F.conv2d(x, kernel, stride=self.factor, groups=x.shape[1]), None

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return super().macs(shape_in, shape_out) + self.kernel.numel() * math.prod(shape_out)


class MaxBlurPool(BlurPool):
    """Max pooling with a blur between its maximum and its stride: y = blur(max_window act(conv3(x)))[::s, ::s].

    The maximum is over s×s pixels at stride 1, real pixels only at the bottom and right; then as `BlurPool`.
    Size: ceil(n/s). Side information: none; blurred maxima have no positions. Source: Zhang 2019.
    """

    def features(self, x: Tensor) -> Tensor:
        after = self.factor - 1
        return F.max_pool2d(F.pad(super().features(x), (0, after, 0, after), mode="replicate"), self.factor, stride=1)


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
