"""Operators that go up: (N, Ci, h, w) -> (N, Co, *size), one learned convolution each; mirror images of `down.py`.

Every class has the call `x = up(y, size, index)`: it makes h·s × w·s pixels and crops bottom and right to exactly
`size`. There is no activation inside. `needs_index` says what the operator wants from the encoder; others ignore it.
`macs(shape_in, shape_out)` counts the multiply-adds of all convolutions, fixed filters included; interpolation is free.
More of them: `up_filtered.py` (smoothed), `up_dynamic.py` (kernels made from the content), `rearranged.py` (both ways).
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.errors import IncompatiblePair
from hourglass.layers import initialise, overhang, pad_reflect, pixels
from hourglass.spec import Count, Factor, IndexKind, Init, Shape

Size2d = tuple[int, int]
Padding = Literal["zeros", "reflect"]
ResizeMode = Literal["nearest", "bilinear", "bicubic"]


def crop(x: Tensor, size: Size2d) -> Tensor:
    return x[..., : size[0], : size[1]]


def nails(y: Tensor, phase: Tensor, factor: int) -> Tensor:
    """Each value at one pixel of its s×s block, zeros elsewhere; `phase` (N,) int64 is row·s + column in a block."""
    one_hot = F.one_hot(phase, factor**2).to(y.dtype)
    return F.pixel_shuffle((y.unsqueeze(2) * one_hot[:, None, :, None, None]).flatten(1, 2), factor)


class Nearest(nn.Module):
    """Nearest-neighbour unpooling: every value becomes an s×s block, x[i, j] = conv3(y)[i//s, j//s].

    The convolution stands before the copy, so nothing smooths the blocks; `Resize` has it behind.
    Size: n·s, cropped. Side information: none. Source: the text's "unpooling by nearest neighbour".
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        initialise(self.conv, init, taps=in_channels * 9)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return crop(F.interpolate(self.conv(y), scale_factor=float(self.factor), mode="nearest"), size)

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_in)


class MaxUnpool(nn.Module):
    """Max unpooling: x = conv3(z), where each value of y stands in z at the position its maximum had, among zeros.

    Size: exactly `size`. Side information: the encoder's `argmax` index, log2(s²) bits a value past the bottleneck.
    Written as a scatter, which is deterministic where `max_unpool2d` is not (the windows do not overlap, so no two
    values meet). Source: Zeiler et al. 2011; Zhao et al. 2015, "Stacked what-where auto-encoders".
    """

    needs_index: IndexKind | None = "argmax"

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        initialise(self.conv, init, taps=in_channels * 9 / factor**2)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        if index is None:
            raise IncompatiblePair("max unpooling got no positions: use encoder=maxpool, or decoder=bed_of_nails")
        flat = y.new_zeros(*y.shape[:2], size[0] * size[1]).scatter(2, index.flatten(2), y.flatten(2))
        return self.conv(flat.unflatten(2, size))

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out)


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


class AdaptivePolyphase(BedOfNails):
    """Bed of nails on the grid that the encoder chose: x = conv_k(z), z[p::s, q::s] = y and 0 elsewhere, k = 2s - 1.

    Circular padding: behind encoder=aps, a circular shift of the image shifts x circularly, exactly, where s divides n.
    Size: n·s, cropped. Side information: the encoder's `polyphase` index, log2(s²) bits an image and level.
    Source: Chaman & Dokmanić 2021, "Truly shift-equivariant convolutional neural networks with adaptive polyphase
    upsampling".
    """

    needs_index: IndexKind | None = "polyphase"
    padding_mode: Literal["zeros", "circular"] = "circular"

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        if index is None:
            raise IncompatiblePair("adaptive polyphase got no phases: use encoder=aps, or decoder=bed_of_nails")
        return crop(self.conv(nails(y, index, self.factor)), size)


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
        mode: ResizeMode,
        padding: Padding,
    ) -> None:
        super().__init__()
        self.factor, self.mode, self.padding = factor, mode, padding
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=int(padding == "zeros"))
        initialise(self.conv, init, taps=in_channels * 9)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        x = crop(F.interpolate(y, scale_factor=float(self.factor), mode=self.mode), size)
        return self.conv(pad_reflect(x, 1, 1) if self.padding == "reflect" else x)

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_out)


class Subpixel(nn.Module):
    """Sub-pixel convolution: x = pixel_shuffle(conv3(y)), s²·Co channels laid out as s×s blocks.

    `icnr`: the s² filters of a block start alike, so that the untrained layer equals conv3 followed by nearest.
    Size: n·s, cropped. Side information: none. Source: Shi et al. 2016; ICNR: Aitken et al. 2017.
    """

    needs_index: IndexKind | None = None

    def __init__(self, in_channels: Count, out_channels: Count, *, factor: Factor, init: Init, icnr: bool) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels * factor**2, 3, padding=1)
        initialise(self.conv, init, taps=in_channels * 9)
        if icnr:
            for parameter in self.conv.parameters():
                parameter.data = parameter.data[:: factor**2].repeat_interleave(factor**2, dim=0)

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        return crop(F.pixel_shuffle(self.conv(y), self.factor), size)

    def macs(self, shape_in: Shape, shape_out: Shape) -> int:
        return self.conv.weight.numel() * pixels(shape_in)
