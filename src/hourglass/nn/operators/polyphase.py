"""Adaptive polyphase sampling: the image itself decides which of the s² sub-sampled grids is kept, and sent along."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Shape, Size2d
from hourglass.nn.contract import IndexKind
from hourglass.nn.layers import pad_to_multiple
from hourglass.nn.operators.base import ConvThenPool, Padding, crop, zero_insert
from hourglass.nn.operators.fused import UpCall
from hourglass.nn.operators.strided import BedOfNails


class PolyphaseDown(ConvThenPool):
    """The one of the s² sub-sampled grids with the largest norm: y = f[p::s, q::s], (p, q) = argmax ‖f[p::s, q::s]‖.

    f = act(conv3(x)) with circular padding, so that a circular shift of x shifts y circularly, exactly, where s divides
    n. The norm is over all channels. Size: ceil(n/s); f is padded to multiples of s by replication. Side information:
    `index` (N,), the phase p·s + q, log2(s²) bits for each image and stage.
    Source: Chaman & Dokmanić 2021, "Truly shift-invariant convolutional neural networks".
    """

    index_kind: IndexKind | None = "polyphase"
    padding_mode: Padding = "circular"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        f = F.pixel_unshuffle(pad_to_multiple(self.features(x), self.factor), self.factor)
        phases = f.unflatten(1, (-1, self.factor**2))  # (N, Co, s², h, w)
        index = phases.square().sum((1, 3, 4)).argmax(1)
        return phases[torch.arange(x.shape[0], device=x.device), :, index], index

    def index_bits(self, shape: Shape) -> float:
        return math.log2(self.factor**2)


class PolyphaseUp(BedOfNails):
    """Bed of nails on the grid that the encoder kept: x = conv_k(z), z[p::s, q::s] = y and 0 elsewhere, k = 2s - 1.

    With circular padding: after encoder=aps, a circular shift of the image shifts x circularly, exactly, where s
    divides n. Size: n·s, cropped. Side information: the encoder's `polyphase` index, log2(s²) bits for each image and
    stage. Source: Chaman & Dokmanić 2021, "Truly shift-equivariant convolutional neural networks with adaptive
    polyphase upsampling".
    """

    needs_index: IndexKind | None = "polyphase"
    padding_mode: Padding = "circular"

    def forward(self, y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        if index is None:
            raise IncompatiblePair("adaptive polyphase got no phases: use encoder=aps, or decoder=bed_of_nails")
        return crop(self.conv(zero_insert(y, index, self.factor)), size)

    def fused(self) -> UpCall:
        """`BedOfNails` as a transposed convolution, its ends joined in a circle, then moved by each image's phase."""
        flipped, s = self.conv.weight.transpose(0, 1).flip(2, 3), self.factor

        def call(y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
            x = F.conv_transpose2d(y, flipped, None, s)  # of h·s + s - 1 rows, the first s - 1 above the image
            for axis in (2, 3):
                before, x = x.split([s - 1, x.shape[axis] - s + 1], axis)
                x.narrow(axis, x.shape[axis] - s + 1, s - 1).add_(before)
            phases = [] if index is None else index.tolist()
            moved = [image.roll((phase // s, phase % s), (1, 2)) for image, phase in zip(x, phases, strict=True)]
            return crop(torch.stack(moved) + self.conv.bias.view(1, -1, 1, 1), size)  # type: ignore[union-attr]

        return call
