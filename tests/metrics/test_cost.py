"""Multiply-adds counted by torch against formulas worked out by hand, and the static costs of an autoencoder."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import Identity

from helpers.project import autoencoder_for
from helpers.variants import DOWNS, UPS, Variant, cells
from hourglass import nn
from hourglass.metrics import cost
from hourglass.metrics.cost import macs, operator_macs

CI, CO = 3, 16
"""Channels on the image side and on the code side"""
Grid = tuple[int, int]


def blur(operator: Any) -> int:
    """k² of the fixed filter, L = (taps - 1)(s - 1) + 1 a side."""
    return int(operator.kernel.shape[-1]) ** 2


FORMULAS: dict[type, Callable[[Any, int, int], int]] = {
    nn.Strided: lambda o, fine, coarse: o.kernel_size**2 * CI * CO * coarse,
    nn.Subsample: lambda o, fine, coarse: 9 * CI * CO * coarse,
    nn.MaxPool: lambda o, fine, coarse: 9 * CI * CO * fine,
    nn.AvgPool: lambda o, fine, coarse: 9 * CI * CO * fine,
    nn.LpPool: lambda o, fine, coarse: 9 * CI * CO * fine,
    nn.AntialiasResize: lambda o, fine, coarse: 9 * CI * CO * fine,
    nn.PolyphaseDown: lambda o, fine, coarse: 9 * CI * CO * fine,
    nn.BlurPool: lambda o, fine, coarse: 9 * CI * CO * fine + blur(o) * CO * coarse,
    nn.MaxBlurPool: lambda o, fine, coarse: 9 * CI * CO * fine + blur(o) * CO * coarse,
    nn.SpaceToDepth: lambda o, fine, coarse: CI * o.factor**2 * CO * coarse,
    nn.HaarDown: lambda o, fine, coarse: CI * o.factor**2 * CO * coarse,
    nn.ResidualDown: lambda o, fine, coarse: 9 * CI * (CO // o.factor**2) * (coarse * o.factor**2),  # image padded
    nn.Transpose: lambda o, fine, coarse: math.prod(o.conv.kernel_size) * CO * CI * coarse,
    nn.BedOfNails: lambda o, fine, coarse: (2 * o.factor - 1) ** 2 * CO * CI * coarse,
    nn.PolyphaseUp: lambda o, fine, coarse: (2 * o.factor - 1) ** 2 * CO * CI * (coarse * o.factor**2),
    nn.Nearest: lambda o, fine, coarse: 9 * CO * CI * coarse,
    nn.MaxUnpool: lambda o, fine, coarse: 9 * CO * CI * fine,
    nn.Resize: lambda o, fine, coarse: 9 * CO * CI * fine,
    nn.BilinearAdditive: lambda o, fine, coarse: 9 * (CO // o.factor**2) * CI * fine,
    nn.Fir: lambda o, fine, coarse: blur(o) * CO * coarse + 9 * CO * CI * fine,
    nn.Subpixel: lambda o, fine, coarse: 9 * CO * (CI * o.factor**2) * coarse,
    nn.HaarUp: lambda o, fine, coarse: CO * (CI * o.factor**2) * coarse,
    nn.ResidualUp: lambda o, fine, coarse: 9 * CO * (CI * o.factor**2) * coarse,
    nn.Carafe: lambda o, fine, coarse: (
        (CO * 64 + 9 * 64 * 25 * o.factor**2) * coarse  # the weights: conv1, conv3
        + 25 * CO * o.factor**2 * coarse  # the weighted sums of 5×5 values
        + 9 * CO * CI * fine
    ),
    nn.DySample: lambda o, fine, coarse: CO * (2 * 4 * o.factor**2) * coarse + 9 * CO * CI * fine,  # 4 groups
    nn.Smooth: lambda o, fine, coarse: FORMULAS[type(o.up)](o.up, fine, coarse),  # its sums are free
}
"""Multiply-adds by (operator, pixels on the image side, pixels on the code side); a new operator needs no entry."""


@pytest.mark.parametrize("size", [(28, 28), (13, 18)], ids=str)
@pytest.mark.parametrize("variant", [*DOWNS, *UPS], ids=str)
def test_multiply_adds_are_those_of_the_formula(variant: Variant, size: Grid) -> None:
    grid = cells(size, variant.factor)
    if variant.group == "encoder":
        operator = variant.down(CI, CO)
        count = operator_macs(operator, torch.rand(1, CI, *size))
    else:
        operator = variant.up(CO, CI)
        count = operator_macs(operator, torch.rand(1, CO, *grid), size, variant.index(1, CO, size))
    if type(operator) not in FORMULAS:
        pytest.skip("no formula was worked out for this operator")
    assert count == FORMULAS[type(operator)](operator, math.prod(size), math.prod(grid))


def test_known_multiply_adds_by_2_between_28_and_14_pixels() -> None:
    def of_down(kind: type, **options: object) -> int:
        return operator_macs(kind(CI, CO, Identity(), factor=2, init="matched", **options), torch.rand(1, CI, 28, 28))

    def of_up(kind: type, **options: object) -> int:
        return operator_macs(kind(CO, CI, factor=2, init="matched", **options), torch.rand(1, CO, 14, 14), (28, 28))

    assert of_down(nn.Strided, kernel_size=3) == 84_672  # 3·3 taps · 3 · 16 channels · 14·14
    assert of_down(nn.MaxPool) == 338_688  # the same on 28·28
    assert of_down(nn.BlurPool, taps=3) == 338_688 + 28_224  # and 3·3 taps · 16 channels · 14·14
    assert of_down(nn.SpaceToDepth) == 37_632  # 3·2·2 · 16 channels · 14·14
    assert of_up(nn.Transpose, kernel_size=3) == 84_672
    assert of_up(nn.Resize, mode="bicubic", padding="zeros") == 338_688
    assert of_up(nn.Fir) == 338_688 + 50_176  # and 4·4 taps · 16 channels · 14·14
    assert of_up(nn.Subpixel, icnr=False) == 338_688
    assert of_up(nn.Carafe) == 338_688 + 11_803_904  # and (16·64 + 3·3·64·100 + 25·16·4)·14·14


def test_costs_are_counted() -> None:
    model = autoencoder_for((1, 28, 28))
    convolutions = 28 * 28 * 9 * 16 + 14 * 14 * 9 * 16 * 32  # down: at full resolution, then pooled
    transposed = 7 * 7 * 9 * 32 * 16 + 14 * 14 * 9 * 16
    assert macs(model) == convolutions + transposed
    assert model.latent.code_size == 32 * 7 * 7
    assert model.index_bits == 0
    assert cost.of(model) == {
        "num_params": 16 * 9 + 16 + 32 * 16 * 9 + 32 + 32 * 16 * 9 + 16 + 16 * 9 + 1,
        "macs_per_image": convolutions + transposed,
        "image_size": 784,
        "code_size": 1568,
        "index_bits": 0,
    }
    unpooling = autoencoder_for((1, 28, 28), "decoder=max_unpool")
    assert unpooling.index_bits == 2 * (16 * 14 * 14 + 32 * 7 * 7)
    assert autoencoder_for((1, 28, 28), "latent=dense", "latent.dim=9").latent.code_size == 9


def test_counting_leaves_the_mode_as_it_was() -> None:
    model = autoencoder_for((1, 28, 28))
    for training in (True, False):
        macs(model.train(training))
        assert model.training is training
