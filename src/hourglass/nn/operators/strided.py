"""Operators that go down: (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)), one learned convolution each.

Every class has the call `y, index = down(x)`. The activation stands where the field puts it: behind the convolution,
before a pooling. `index_kind` says what `index` holds; None where nothing travels beside the code. `index_bits(shape)`
counts that information for an output of shape (Co, h, w), per image. `macs(shape_in, shape_out)` counts the
multiply-adds of all convolutions, fixed filters included; sums and comparisons of pooling are free.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Count, Factor, Shape
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import cells, initialise, overhang, pixels
from hourglass.nn.operators.base import Pooled, Size2d, crop, nails


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


class Subsample(Pooled):
    """The control of all poolings, the same convolution and nothing pooled: y = act(conv3(x))[::s, ::s].

    The same function as `Strided` with kernel_size=3, its default at s = 2, computed the long way at s² times the cost.
    At s = 4 its outputs see 3×3 pixels, 4 pixels apart, so some are seen by none; `Strided` takes 7×7 there.
    Size: ceil(n/s). Side information: none. Source: the naive down-sampling that Zhang 2019 starts from.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.features(x)[..., :: self.factor, :: self.factor], None


class BedOfNails(nn.Module):
    """Zeros between the values, then a convolution: x = conv_k(z), z[::s, ::s] = y and 0 elsewhere, k = 2s - 1.

    The control of max unpooling. At s = 2 it is the transposed convolution of kernel_size=3 with its kernel flipped, so
    it overlaps as unevenly, 4:2:2:1. Size: n·s, cropped. Side information: none. Source: the text's "bed of nails".
    """

    needs_index: IndexKind | None = None
    padding_mode: Literal["zeros", "circular"] = "zeros"

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor, k = factor, 2 * factor - 1
        self.conv = nn.Conv2d(in_channels, out_channels, k, padding=factor - 1, padding_mode=self.padding_mode)
        initialise(self.conv, init, taps=in_channels * k**2 / factor**2)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        phase = torch.zeros(len(y), dtype=torch.long, device=y.device)
        return crop(self.conv(nails(y, phase, self.factor)), size)

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_in) * self.factor**2


class Transpose(nn.Module):
    """Transposed convolution: x[j] = Σ_i w[j - s·i]·y[i], a k×k stamp for each value, s pixels apart, and their sum.

    Size: n·s (padding ceil((k-s)/2)), cropped. k = `kernel_size`, or 2s - 1 where that is null: 3 at s = 2. Where s
    does not divide k the stamps overlap unevenly. Side information: none. Source: Zeiler et al. 2010; Dumoulin & Visin
    2016.
    """

    needs_index: IndexKind | None = None

    def __init__(
        self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init, kernel_size: Count | None
    ) -> None:
        super().__init__()
        k = kernel_size or 2 * factor - 1
        if k < factor:
            raise IncompatiblePair(
                f"a transposed convolution of kernel_size={k} leaves holes at factor={factor}: "
                f"use decoder.kernel_size={factor} or more"
            )
        self.factor, padding = factor, overhang(k, factor)
        self.conv = nn.ConvTranspose2d(
            in_channels, out_channels, k, factor, padding, output_padding=factor - k + 2 * padding
        )
        initialise(self.conv, init, taps=in_channels * k**2 / factor**2)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return crop(self.conv(y), size)

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_in)
