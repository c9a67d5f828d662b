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
from hourglass.metrics.cost import macs, network_macs, operator_macs

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
        "macs_fused_per_image": convolutions + transposed,
        "decoder_params": 32 * 16 * 9 + 16 + 16 * 9 + 1,
        "decoder_macs": transposed,
        "decoder_macs_fused": transposed,
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
        cost.of(model.train(training))
        cost.latency(model)
        assert model.training is training


# As fused: (multiply-adds by channel and channel as executed, fused) between 14 and 28, 7 and 28, and 7 and 13 pixels


def border(height: int, width: int) -> int:
    """3 taps for each pixel of the four sides, the corners with the rows above and below."""
    return 3 * (2 * width + 2 * height)


@pytest.mark.parametrize(
    ("options", "factor", "coarse", "fine", "fused"),
    [
        ({"mode": "nearest", "padding": "zeros"}, 2, 14, 28, 4 * 4 * 14**2),  # 4/9 of 9 · 28²
        ({"mode": "nearest", "padding": "zeros"}, 4, 7, 28, 6 * 6 * 7**2),  # 1/4 of it
        ({"mode": "nearest", "padding": "zeros"}, 3, 5, 15, 5 * 5 * 5**2),
        ({"mode": "nearest", "padding": "zeros"}, 2, 7, 13, 4 * 4 * 7**2 + 3 * (13 + 13)),  # cropped at two sides
        ({"mode": "nearest", "padding": "reflect"}, 2, 14, 28, 4 * 4 * 14**2 + border(28, 28)),
        ({"mode": "bilinear", "padding": "zeros"}, 2, 14, 28, 9 * 28**2),  # 6 · 6 taps by 2 save nothing
        ({"mode": "bilinear", "padding": "zeros"}, 4, 16, 64, 10 * 10 * 18**2 + border(64, 64)),  # cells beyond, too
        ({"mode": "bilinear", "padding": "zeros"}, 4, 4, 16, 9 * 16**2),  # where the border costs more than it saves
        ({"mode": "bicubic", "padding": "zeros"}, 4, 16, 64, 9 * 64**2),
    ],
)
def test_fused_multiply_adds_of_resize(
    options: dict[str, str], factor: int, coarse: int, fine: int, fused: int
) -> None:
    operator = nn.Resize(CO, CI, factor=factor, init="matched", **options)
    given = torch.rand(1, CO, coarse, coarse), (fine, fine)
    assert network_macs(operator, *given) == (9 * fine**2 * CI * CO, fused * CI * CO)


def test_fused_multiply_adds_of_the_others() -> None:
    y, size = torch.rand(1, CO, 14, 14), (28, 28)
    polyphase = nn.PolyphaseUp(CO, CI, factor=2, init="matched")
    as_executed, fused = network_macs(polyphase, y, size, torch.tensor([3]))
    assert (as_executed, fused) == (9 * CI * CO * 28**2, 9 * CI * CO * 14**2)  # a bed of nails
    executed = (CO * 64 + 9 * 64 * 100) * 14**2
    rest = 25 * CO * 4 * 14**2 + 9 * CI * CO * 28**2
    carafe = network_macs(nn.Carafe(CO, CI, factor=2, init="matched"), y, size)
    assert carafe == (executed + rest, 9 * (CO + 1) * 100 * 14**2 + rest)
    wide = network_macs(nn.Carafe(80, CI, factor=2, init="matched"), torch.rand(1, 80, 14, 14), size)
    assert wide[0] == wide[1]  # more channels than 64: conv1 makes it cheaper


@pytest.mark.parametrize("smooth", [False, True])
def test_a_network_fuses_what_can_be_fused(smooth: bool) -> None:
    costs = cost.of(autoencoder_for((1, 28, 28), "decoder=resize", f"decoder.smooth={smooth}"))
    down, up = 28 * 28 * 9 * 16 + 14 * 14 * 9 * 16 * 32, 14 * 14 * 9 * 32 * 16 + 28 * 28 * 9 * 16
    assert (costs["decoder_macs"], costs["decoder_macs_fused"]) == (up, up * 4 / 9)
    assert (costs["macs_per_image"], costs["macs_fused_per_image"]) == (down + up, down + up * 4 / 9)


def test_a_latency_is_a_time() -> None:
    measured = cost.latency(autoencoder_for((1, 28, 28), "channels=[4]"))
    assert measured.keys() == {"latency_ms", "decoder_latency_ms"}
    assert 0 < measured["decoder_latency_ms"] < measured["latency_ms"] < 1000
