"""Decoders: a code comes up to an image. Built from the encoder's `CodeSpec` alone; a pair that cannot work is refused."""

import math
from collections.abc import Callable

from torch import Tensor, nn

from hourglass.errors import IncompatiblePair
from hourglass.layers import activate
from hourglass.spec import ENCODERS_WITH_INDEX, Activation, CodeSpec, Encoded, IndexKind, same_rank


class LinearDecoder(nn.Module):
    """image = W·flatten(code) + b, (N, D) or (N, C, h, w) -> (N, C, H, W): the source's linear autoencoder, going up."""

    needs_index: IndexKind | None = None

    def __init__(self, spec: CodeSpec) -> None:
        super().__init__()
        self.image_shape = spec.image_shape
        self.linear = nn.Linear(math.prod(spec.code_shape), math.prod(spec.image_shape))

    def forward(self, encoded: Encoded) -> Tensor:
        return self.linear(encoded.code.flatten(1)).unflatten(1, self.image_shape)


class ConvDecoder(nn.Module):
    """One `Up` a stage, walking the encoder's shapes backwards, so any image size comes back exactly.

    An activation stands between the stages, none behind the last: a ReLU must never be the last thing before an image.
    """

    def __init__(self, spec: CodeSpec, *, up: Callable[..., nn.Module], activation: Activation) -> None:
        super().__init__()
        same_rank(spec.code_shape, 3, "a convolutional decoder", "use decoder=linear, or a convolutional encoder")
        self.sizes = [(shape[1], shape[2]) for shape in spec.shapes[:-1]]
        self.stages = nn.ModuleList(
            up(code[0], image[0]) for image, code in zip(spec.shapes, spec.shapes[1:], strict=False)
        )
        self.activation = activate(activation)
        self.needs_index: IndexKind | None = self.stages[0].needs_index
        if self.needs_index not in (None, spec.index):
            raise IncompatiblePair(
                f"this decoder needs the {self.needs_index} indices of the encoder, and this encoder keeps "
                f"{'none' if spec.index is None else spec.index + ' indices'}: use {ENCODERS_WITH_INDEX[self.needs_index]}"
                ", or a decoder without indices, such as decoder=resize, transpose or subpixel"
            )

    def forward(self, encoded: Encoded) -> Tensor:
        x = encoded.code
        for i in reversed(range(len(self.stages))):
            x = self.stages[i](x, self.sizes[i], encoded.indices[i])
            if i > 0:
                x = self.activation(x)
        return x
