"""Residual blocks between the operators: they make the network deep enough for photographs, with the same operators."""

import math
from typing import Literal

from torch import Tensor, nn

from hourglass.core.errors import ConfigError
from hourglass.nn.contract import Activation
from hourglass.nn.layers import activate, initialise

Norm = Literal["none", "batch", "group"]


def normalise(norm: Norm, channels: int) -> nn.Module:
    """`group`: at most 32 groups of at least 4 channels each, or one group where there are fewer channels."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "group":
        return nn.GroupNorm(math.gcd(channels, min(32, max(1, channels // 4))), channels)
    return nn.Identity()


class ResidualBlock(nn.Module):
    """y = x + conv3(act(norm(conv3(act(norm(x)))))), (N, C, H, W) -> the same shape.

    The last convolution starts at zero, so that an untrained block is the identity: the operators' power stays matched
    at any depth, and deep stacks train without normalisation too.
    Source: He et al. 2016, "Identity mappings"; the zero start: Zhang et al. 2019, "Fixup".
    """

    def __init__(self, channels: int, norm: Norm, activation: Activation) -> None:
        super().__init__()
        first, last = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        initialise(first, "matched", taps=channels * 9)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        steps = ((normalise(norm, channels), activate(activation), conv) for conv in (first, last))
        self.branch = nn.Sequential(*(part for step in steps for part in step))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def stack(channels: int, blocks: int, norm: Norm, activation: Activation) -> nn.Sequential:
    """`blocks` residual blocks; 0: the identity, without parameters."""
    if norm != "none" and blocks == 0:
        raise ConfigError(f"norm={norm} acts inside the residual blocks: use blocks=1 or more, or norm=none")
    return nn.Sequential(*(ResidualBlock(channels, norm, activation) for _ in range(blocks)))
