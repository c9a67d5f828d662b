"""Encoders: from the image down to the code.

Each has `spec`, its shapes; `strides`, of each stage against the image; and `index_bits`, per image, beside the code.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Channels, Count, Shape, Size
from hourglass.nn.blocks import Norm, stack
from hourglass.nn.contract import Activation, CodeSpec, Encoded
from hourglass.nn.layers import activate


class LinearEncoder(nn.Module):
    """code = act(W·flatten(x) + b), (N, C, H, W) -> (N, dim)."""

    index_bits = 0.0
    strides: tuple[int, ...] = ()

    def __init__(self, image_shape: Shape, *, dim: Count, activation: Activation) -> None:
        super().__init__()
        self.spec = CodeSpec(shapes=(image_shape, (dim,)), index=None)
        self.linear = nn.Linear(math.prod(image_shape), dim)
        self.activation = activate(activation)

    def forward(self, images: Tensor) -> Encoded:
        return Encoded(self.activation(self.linear(images.flatten(1))), (None,))


class ConvEncoder(nn.Module):
    """One `Down` per stage, (N, C, H, W) -> (N, channels[-1], h, w); `channels` sets the depth and the widths.

    `blocks` residual blocks follow each Down. The shapes are measured, by passing one zero image through.
    """

    def __init__(
        self,
        image_shape: Shape,
        *,
        down: Callable[..., nn.Module],
        channels: Channels,
        activation: Activation,
        blocks: Size,
        norm: Norm,
    ) -> None:
        super().__init__()
        widths = [image_shape[0], *channels]
        operators: list[Any] = [down(wide, narrow, activate(activation)) for wide, narrow in pairwise(widths)]
        self.stages = nn.ModuleList(operators)
        self.blocks = nn.ModuleList(stack(width, blocks, norm, activation) for width in channels)
        self.factor: int = operators[0].factor
        self.strides = tuple(self.factor**k for k in range(1, len(channels) + 1))
        if min(image_shape[1:]) < self.factor:
            raise IncompatiblePair(f"images of {image_shape} are smaller than factor={self.factor}: use larger images")
        self.spec = CodeSpec(shapes=self._measure(image_shape), index=operators[0].index_kind)
        self.index_bits = 0.0
        if self.spec.index is not None:
            self.index_bits = sum(o.index_bits(shape) for o, shape in zip(operators, self.spec.shapes[1:], strict=True))

    @torch.no_grad()
    def _measure(self, image_shape: Shape) -> tuple[Shape, ...]:
        self.eval()
        shapes, x = [image_shape], torch.zeros(1, *image_shape)
        for stage in self.stages:
            x, _ = stage(x)
            shapes.append(tuple(x.shape[1:]))
        self.train()
        return tuple(shapes)

    def forward(self, images: Tensor) -> Encoded:
        x, indices = images, []
        for stage, blocks in zip(self.stages, self.blocks, strict=True):
            x, index = stage(x)
            x = blocks(x)
            indices.append(index)
        return Encoded(x, tuple(indices))
