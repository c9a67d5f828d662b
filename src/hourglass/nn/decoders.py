"""Decoders: from the code up to the image, built from the encoder's `CodeSpec`. Impossible pairs are refused."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.core.types import Count, Size, Size2d
from hourglass.nn.blocks import Norm, stack
from hourglass.nn.contract import ENCODERS_WITH_INDEX, Activation, CodeSpec, Encoded, IndexKind, require_rank
from hourglass.nn.layers import activate
from hourglass.nn.operators.blur import Smooth

STEPS = 8
"""In which `match_power` comes near enough."""


class LinearDecoder(nn.Module):
    """image = W·flatten(code) + b, (N, D) or (N, C, h, w) -> (N, C, H, W)."""

    needs_index: IndexKind | None = None

    def __init__(self, spec: CodeSpec) -> None:
        super().__init__()
        self.image_shape = spec.image_shape
        self.linear = nn.Linear(math.prod(spec.code_shape), math.prod(spec.image_shape))

    def forward(self, encoded: Encoded) -> Tensor:
        return self.linear(encoded.code.flatten(1)).unflatten(1, self.image_shape)


class ConvDecoder(nn.Module):
    """One `Up` per stage, back through the encoder's shapes, so that any image size is restored exactly.

    A stage is `blocks` residual blocks, its Up and, with `smooth`, a fixed zero-order hold. Activations come between
    the stages only: the last stage makes the image, and a ReLU there would clip it. `channels`: widths between the
    stages, from the image to the code, one fewer than there are stages; None: the encoder's, as the code's always is.
    """

    def __init__(
        self,
        spec: CodeSpec,
        *,
        up: Callable[..., nn.Module],
        activation: Activation,
        smooth: bool,
        blocks: Size,
        norm: Norm,
        channels: list[Count] | None = None,
    ) -> None:
        super().__init__()
        cure = "use decoder=linear, or a convolutional encoder such as encoder=strided"
        require_rank(spec.code_shape, 3, "a convolutional decoder", cure)
        self.sizes = [(shape[1], shape[2]) for shape in spec.shapes[:-1]]
        widths = [shape[0] for shape in spec.shapes]
        if channels is not None:
            if len(channels) != len(widths) - 2:
                raise ConfigError(
                    f"decoder.channels={channels} do not fit {len(widths) - 1} stages: give the {len(widths) - 2} "
                    "widths between them, from the image to the code; the code's own is the encoder's"
                )
            widths[1:-1] = channels
        self.channels = widths[1:-1]
        operators: list[Any] = [up(code, image) for image, code in pairwise(widths)]
        if smooth:
            operators = [Smooth(operator) for operator in operators]
        self.stages = nn.ModuleList(operators)
        self.blocks = nn.ModuleList(stack(width, blocks, norm, activation) for width in widths[1:])
        self.activation = activate(activation)
        self.needs_index: IndexKind | None = operators[0].needs_index
        self.index_share = float(getattr(operators[0], "index_share", 1.0))  # of the indices' bits
        if self.needs_index is not None and self.needs_index != spec.index:
            kept = "none" if spec.index is None else f"{spec.index} indices"
            raise IncompatiblePair(
                f"this decoder needs the {self.needs_index} indices of the encoder, and this encoder keeps {kept}: "
                f"use {ENCODERS_WITH_INDEX[self.needs_index]}, or a decoder without indices, such as decoder=resize, "
                "transpose or subpixel"
            )
        encoders = [shape[0] for shape in spec.shapes[1:-1]]
        if self.needs_index == "argmax" and self.channels != encoders:
            raise IncompatiblePair(
                "max unpooling puts each channel where the encoder had its maxima, so between its stages it has the "
                f"encoder's channels {encoders}, not {self.channels}: leave out decoder.channels and match=decoder_…, "
                "or use a decoder without positions, such as decoder=resize"
            )

    def forward(self, encoded: Encoded, sizes: Sequence[Size2d] | None = None) -> Tensor:
        """`sizes`: of the image and of each stage but the last, where they are not those of the encoder's spec."""
        return deque(self.walk(encoded, sizes), maxlen=1)[0][-1]

    def walk(
        self, encoded: Encoded, sizes: Sequence[Size2d] | None = None
    ) -> Iterator[tuple[int, nn.Module, Tensor, Tensor]]:
        """(stage, its operator, the operator's input, its output), from the code on; stage 0 makes the image."""
        x, sizes = encoded.code, self.sizes if sizes is None else sizes
        for i in reversed(range(len(self.stages))):
            y = self.blocks[i](x)
            x = self.stages[i](y, sizes[i], encoded.indices[i])
            yield i, self.stages[i], y, x
            if i > 0:
                x = self.activation(x)

    @torch.no_grad()
    def match_power(self, encoded: Encoded) -> None:
        """Scale the weights of each way up so that on this code its output has twice the power of its input, in place.

        `matched` weights do so on average over draws, for inputs that are alike nowhere: interpolation averages
        neighbours, and a draw has its own power. One step is exact where the output is proportional to the weights;
        the others take the shortcut of `dcae` into account.
        """
        for stage in range(len(self.stages)):
            for _ in range(STEPS):
                _, up, y, x = next(islice(self.walk(encoded), stage, None))
                learned = [weight for name, weight in up.named_parameters() if f".{name}".endswith(".conv.weight")]
                if not learned:
                    raise ConfigError(
                        f"init=measured scales the weights of the convolution `conv`, and {type(up).__name__} has none "
                        "of that name: use init=matched"
                    )
                learned[0].mul_((2 * y.square().mean() / x.square().mean()).sqrt())
