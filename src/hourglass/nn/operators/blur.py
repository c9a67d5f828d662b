"""Fixed low-pass filters: a blur before values are left out on the way down, or between zeros on the way up."""

from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Count, Factor, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import box_kernel, pad_reflect
from hourglass.nn.operators.base import ConvThenPool, crop, learned_conv


class BlurPool(ConvThenPool):
    """Convolution, then a blur of which every s-th value is kept: y = blur(act(conv3(x)))[::s, ::s].

    The blur is taps - 1 boxes of s pixels, one after the other: at s = 2 the `taps` weights [1, 2, 1]/4, [1, 3, 3, 1]/8
    or [1, 4, 6, 4, 1]/16 per axis, at s = 4 as wide as two steps by 2, L = (taps - 1)(s - 1) + 1. The border is padded
    by floor and ceil of (L - 1)/2, by reflection, or by replication where the image is too small. Size: ceil(n/s). Side
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
        taps: Literal[3, 4, 5],
    ) -> None:
        super().__init__(in_channels, out_channels, activation, factor=factor, init=init)
        self.kernel: Tensor
        self.register_buffer("kernel", box_kernel(factor, taps - 1), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        x, reach = self.features(x), self.kernel.shape[-1] - 1
        kernel = self.kernel.expand(x.shape[1], -1, -1, -1)
        x = pad_reflect(x, reach // 2, reach - reach // 2)
        return F.conv2d(x, kernel, stride=self.factor, groups=x.shape[1]), None


class MaxBlurPool(BlurPool):
    """Max pooling with a blur between its maximum and its stride: y = blur(max_window act(conv3(x)))[::s, ::s].

    The maximum is over s×s pixels at stride 1, real pixels only at the bottom and right; the rest is `BlurPool`.
    Size: ceil(n/s). Side information: none; blurred maxima have no positions. Source: Zhang 2019.
    """

    def features(self, x: Tensor) -> Tensor:
        after = self.factor - 1
        return F.max_pool2d(F.pad(super().features(x), (0, after, 0, after), mode="replicate"), self.factor, stride=1)


class Fir(nn.Module):
    """Zeros between the values, StyleGAN's filter, then a convolution: x = conv3(s²·fir(z)), z[::s, ::s] = y.

    fir is three boxes of s pixels, one after the other: [1, 3, 3, 1]/8 per axis at s = 2, where it is bilinear
    interpolation but for the zeros around the image; at s = 4 ten taps, equal to two steps by 2. Size: n·s, cropped.
    Side information: none. Source: Karras et al. 2019 to 2021 (upfirdn2d).
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = learned_conv(in_channels, out_channels, init)
        self.kernel: Tensor
        self.register_buffer("kernel", factor**2 * box_kernel(factor, 3), persistent=False)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        kernel = self.kernel.expand(y.shape[1], -1, -1, -1)
        x = F.conv_transpose2d(y, kernel, None, self.factor, self.factor - 1, 0, y.shape[1])
        return self.conv(crop(x, size))


class Smooth(nn.Module):
    """Any operator that goes up, then a fixed zero-order hold: x[i, j] = Σ up(y)[i-a, j-b] / s, 0 <= a, b < s.

    Every window holds each of the s² phases once, so a flat field stays flat, before training and after it. 1/s keeps
    the power of independent phases, which random weights make; where the phases are equal (resize), x is s times as
    large. Size, side information and what is learned are those of `up`; the top and left border are reflected.
    Source: Sugawara, Shiota & Kiya 2019; Kinoshita & Kiya 2020.
    """

    def __init__(self, up: Any) -> None:
        super().__init__()
        self.up, self.factor = up, up.factor
        self.needs_index: IndexKind | None = up.needs_index
        self.index_share = float(getattr(up, "index_share", 1.0))

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        x = pad_reflect(self.up(y, size, index), self.factor - 1, 0)
        return F.avg_pool2d(x, self.factor, stride=1) * self.factor
