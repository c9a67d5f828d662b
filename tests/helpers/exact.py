"""Operators in float64 with chosen weights, for tests of equality."""

from typing import Any

import torch
from torch import Tensor, nn

EXACT = {"rtol": 0.0, "atol": 1e-12}


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def down(kind: type[nn.Module], ci: int, co: int, factor: int = 2, bias: bool = True, **options: Any) -> Any:
    """The operator in float64, without an activation, with a bias that is not 0."""
    operator: Any = kind(ci, co, nn.Identity(), factor=factor, init="matched", **options).double()
    nn.init.constant_(operator.conv.bias, 0.3 if bias else 0.0)
    return operator


def up(kind: type[nn.Module], ci: int, co: int, factor: int = 2, bias: bool = True, **options: Any) -> Any:
    operator: Any = kind(ci, co, factor=factor, init="matched", **options).double()
    nn.init.constant_(operator.conv.bias, 0.3 if bias else 0.0)
    return operator


def pass_through(operator: Any) -> Any:
    """The learned convolution becomes the identity: its middle tap, channel to channel, no bias."""
    weight = torch.zeros_like(operator.conv.weight)
    middle = weight.shape[-1] // 2
    for channel in range(min(weight.shape[:2])):
        weight[channel, channel, middle, middle] = 1
    operator.conv.weight.data, operator.conv.bias.data = weight, torch.zeros_like(operator.conv.bias)
    return operator


def same_weights(operator: Any, weight: Tensor) -> Any:
    assert operator.conv.weight.shape == weight.shape
    operator.conv.weight.data = weight
    return operator


def equal(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, **EXACT)
