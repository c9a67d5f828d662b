"""Strides: a grid is made coarser by leaving values out, and finer by filling in zeros; a convolution does the rest."""

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Count, Factor, Size2d
from hourglass.nn.contract import IndexKind, Init
from hourglass.nn.layers import cells, initialise
from hourglass.nn.operators.base import ConvThenPool, Padding, crop, learned_conv


def pad_before(kernel_size: int, factor: int) -> int:
    """ceil((k - s)/2), at least 0: padding at the top and left for a k×k kernel on every s-th pixel."""
    return max(-(-(kernel_size - factor) // 2), 0)


class Strided(nn.Module):
    """Convolution that keeps every s-th output: y = act(conv_k(x)[::s, ::s]).

    Size: ceil(n/s). k = `kernel_size`, or 2s - 1 where that is null. The image is padded by ceil((k-s)/2) zeros at the
    top and left, as many as `Transpose` cuts off, which makes the two adjoint. Side information: none.
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
        before = pad_before(self.kernel_size, self.factor)
        h, w = ((cells(n, self.factor) - 1) * self.factor + self.kernel_size - n - before for n in x.shape[-2:])
        return self.activation(self.conv(F.pad(x, (before, w, before, h)))), None


class Subsample(ConvThenPool):
    """The control of all poolings, the same convolution with nothing pooled: y = act(conv3(x))[::s, ::s].

    The same function as `Strided` with kernel_size=3, its default at s = 2, and computed as one: what is left out is
    never made. At s = 4 its outputs see 3×3 pixels, 4 pixels apart, so that some pixels are never seen; `Strided` sees
    7×7 there.
    Size: ceil(n/s). Side information: none. Source: the naive down-sampling that Zhang 2019 starts from.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        y = F.conv2d(x, self.conv.weight, self.conv.bias, stride=self.factor, padding=1)
        return self.activation(y), None


class BedOfNails(nn.Module):
    """Zeros between the values, then a convolution: x = conv_k(z), z[::s, ::s] = y and 0 elsewhere, k = 2s - 1.

    The control of max unpooling. It is the transposed convolution of that size with its kernel flipped, and computed as
    one, so its overlap is as uneven, 4:2:2:1 at s = 2. Size: n·s, cropped. Side information: none.
    Source: textbooks' "bed of nails" unpooling; Dumoulin & Visin 2016, where it is a fractional stride.
    """

    needs_index: IndexKind | None = None
    padding_mode: Padding = "zeros"

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor, k = factor, 2 * factor - 1
        taps = in_channels * k**2 / factor**2
        self.conv = learned_conv(
            in_channels, out_channels, init, kernel_size=k, padding_mode=self.padding_mode, taps=taps
        )

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        flipped, s = self.conv.weight.transpose(0, 1).flip(2, 3), self.factor
        return crop(F.conv_transpose2d(y, flipped, self.conv.bias, s, padding=s - 1, output_padding=s - 1), size)


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
        self.factor, padding = factor, pad_before(k, factor)
        self.conv = nn.ConvTranspose2d(
            in_channels, out_channels, k, factor, padding, output_padding=factor - k + 2 * padding
        )
        initialise(self.conv, init, taps=in_channels * k**2 / factor**2)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return crop(self.conv(y), size)
