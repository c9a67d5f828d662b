"""The cheaper forms of operators: the same values in float64, for every option, size and factor."""

from typing import Any

import pytest
import torch
from torch import nn

from helpers.exact import equal, noise, up
from helpers.variants import UPS, Variant, cells
from hourglass import nn as ours
from hourglass.nn.operators.resize import Resize

FUSED = [variant for variant in UPS if hasattr(variant.up(16, 4), "fused")]
"""Those that say that they have one; a new operator appears here by itself."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def any_weights(operator: nn.Module) -> Any:
    """In float64, with every bias and weight of size 0.1 or so."""
    for parameter in operator.double().parameters():
        parameter.data = noise(*parameter.shape) / 10
    return operator


@pytest.mark.parametrize("variant", FUSED, ids=str)
@torch.no_grad()
def test_the_fused_form_is_the_operator_at_every_pixel(variant: Variant) -> None:
    operator, s = any_weights(variant.up(16, 4)), variant.factor
    for size in ((6 * s, 5 * s), (6 * s - 1, 5 * s), (6 * s, 5 * s - 1), (13, 18), (s, s), (2 * s - 1, s + 1)):
        y, index = noise(2, 16, *cells(size, s)), variant.index(2, 16, size)
        equal(operator.fused()(y, size, index), operator(y, size, index))


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@torch.no_grad()
def test_interpolation_by_any_factor(mode: str, padding: str, factor: int) -> None:
    operator: Any = up(Resize, 3, 2, factor, mode=mode, padding=padding)
    for size in ((4 * factor, 7 * factor), (4 * factor - factor // 2, 7 * factor - 1)):
        y = noise(2, 3, 4, 7)
        equal(operator.fused()(y, size), operator(y, size))


def test_which_operators_have_one() -> None:
    named = {name for name in ours.__all__ if hasattr(getattr(ours, name), "fused")}
    assert named == {"Resize", "BilinearAdditive", "PolyphaseUp", "Carafe"}
