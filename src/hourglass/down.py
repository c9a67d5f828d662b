"""Operators that go down: (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)), one learned convolution each.

Every class has the call `y, index = down(x)`. The activation stands where the field puts it: behind the convolution,
before a pooling. `index_kind` says what `index` holds; None where nothing travels beside the code. `index_bits(shape)`
counts that information for an output of shape (Co, h, w), per image. `macs(shape_in, shape_out)` counts the
multiply-adds of all convolutions, fixed filters included; sums and comparisons of pooling are free.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.layers import box_kernel, cells, initialise, overhang, pad_reflect, pad_to_multiple, pixels
from hourglass.spec import Count, Factor, IndexKind, Init, Shape

BlurTaps = Literal[3, 4, 5]


class Strided(nn.Module):
    """Convolution that keeps every s-th output: y = act(conv_k(x)[::s, ::s]).

    Size: ceil(n/s); ceil((k-s)/2) zeros stand before the image, as `Transpose` cuts them off, so the two are adjoint.
    k = `kernel_size`, or 2s - 1 where that is null. Side information: none.
    Source: Springenberg et al. 2015, "Striving for simplicity: the all convolutional net".
    """

    index_kind: IndexKind | None = None

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        activation: nn.Module,
        *,
        factor: Factor,
        init: Init,
        kernel_size: Count | None,
    ) -> None:
        super().__init__()
        self.factor, self.kernel_size = factor, kernel_size or 2 * factor - 1
        self.conv = nn.Conv2d(in_channels, out_channels, self.kernel_size, stride=factor)
        self.activation = activation
        initialise(self.conv, init, taps=in_channels * self.kernel_size**2)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        before = overhang(self.kernel_size, self.factor)
        h, w = ((cells(n, self.factor) - 1) * self.factor + self.kernel_size - n - before for n in x.shape[-2:])
        return self.activation(self.conv(F.pad(x, (before, w, before, h)))), None

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out)


class _Pooled(nn.Module):
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


class Subsample(_Pooled):
    """The control of all poolings, the same convolution and nothing pooled: y = act(conv3(x))[::s, ::s].

    The same function as `Strided` with kernel_size=3, its default at s = 2, computed the long way at s² times the cost.
    At s = 4 its outputs see 3×3 pixels, 4 pixels apart, so some are seen by none; `Strided` takes 7×7 there.
    Size: ceil(n/s). Side information: none. Source: the naive down-sampling that Zhang 2019 starts from.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.features(x)[..., :: self.factor, :: self.factor], None


class MaxPool(_Pooled):
    """Convolution, then the largest value of each s×s window: y = max_window act(conv3(x)).

    Size: ceil(n/s); the last window holds real pixels only. Side information: `index`, the flat position (row·W +
    column) of each maximum, log2(s²) bits a value. Source: Ranzato et al. 2007; the positions: Zeiler et al. 2011.
    """

    index_kind: IndexKind | None = "argmax"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled, index = F.max_pool2d(self.features(x), self.factor, ceil_mode=True, return_indices=True)
        return pooled, index

    def index_bits(self, shape: Shape) -> float:
        return math.prod(shape) * math.log2(self.factor**2)


class AvgPool(_Pooled):
    """Convolution, then the mean of each s×s window: y = mean_window act(conv3(x)).

    Size: ceil(n/s); the last window averages real pixels only. Side information: none. Source: LeCun et al. 1990.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return F.avg_pool2d(self.features(x), self.factor, ceil_mode=True, count_include_pad=False), None


class LpPool(_Pooled):
    """Convolution, then the power mean of each s×s window: y = (mean_window |f|^p)^(1/p), f = act(conv3(x)).

    p = 1 is the mean of magnitudes, p = 2 the root mean square; a large p is near the maximum. Size: ceil(n/s); the
    last window holds real pixels only. Side information: none. Source: Sermanet et al. 2012; Gulcehre et al. 2014.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        activation: nn.Module,
        *,
        factor: Factor,
        init: Init,
        power: Count,
    ) -> None:
        super().__init__(in_channels, out_channels, activation, factor=factor, init=init)
        self.power = power

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        powers = self.features(x).abs() ** self.power
        mean = F.avg_pool2d(powers, self.factor, ceil_mode=True, count_include_pad=False)
        return mean.clamp(min=1e-12) ** (1 / self.power), None  # the root has no slope at 0


class AntialiasResize(_Pooled):
    """Convolution, then an image resize with a low-pass filter as wide as the step: y = resize(act(conv3(x))).

    The filter is `F.interpolate(antialias=True)`, a triangle of 2s pixels (bilinear) or a cubic of 4s (bicubic), cut
    off and renormalised at the border, as in Pillow. Size: ceil(n/s); where s does not divide n, the grid is stretched
    over the image, in steps of n/ceil(n/s). Side information: none. Source: Pillow's resize.
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
        wide = f.to(torch.promote_types(f.dtype, torch.float32))  # the CPU knows no bfloat16 here
        return F.interpolate(wide, size, mode=self.mode, antialias=True).to(f.dtype), None


class BlurPool(_Pooled):
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


class AdaptivePolyphase(_Pooled):
    """Of the s² sub-sampled grids the one of largest norm: y = f[p::s, q::s], (p, q) = argmax ‖f[p::s, q::s]‖.

    f = act(conv3(x)) with circular padding, so that a circular shift of x shifts y circularly, exactly, where s divides
    n. The norm is over all channels. Size: ceil(n/s); f is padded to multiples of s by replication. Side information:
    `index` (N,), the phase p·s + q, log2(s²) bits an image and level.
    Source: Chaman & Dokmanić 2021, "Truly shift-invariant convolutional neural networks".
    """

    index_kind: IndexKind | None = "polyphase"
    padding_mode: Literal["zeros", "circular"] = "circular"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        f = F.pixel_unshuffle(pad_to_multiple(self.features(x), self.factor), self.factor)
        phases = f.unflatten(1, (-1, self.factor**2))  # (N, Co, s², h, w)
        index = phases.square().sum((1, 3, 4)).argmax(1)
        return phases[torch.arange(len(x), device=x.device), :, index], index

    def index_bits(self, shape: Shape) -> float:
        return math.log2(self.factor**2)
