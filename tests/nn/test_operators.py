"""Every operator alone: the contract, power, flat fields and noise."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from helpers.project import CONF
from helpers.variants import DOWNS, UPS, Variant, rectified_field
from hourglass.metrics import PhaseErrorImbalance, flat_field_gain_share
from hourglass.testing import check_down, check_up

FLAT = ("nearest", "resize", "bilinear", "bilinear_additive", "fir", "smooth", "carafe", "dysample")
"""A flat field stays flat, whatever the weights; with ICNR it does until the first step."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def power(x: Tensor) -> float:
    return x.square().mean().item()


@pytest.mark.parametrize("variant", DOWNS, ids=str)
def test_every_way_down_keeps_the_contract(variant: Variant) -> None:
    check_down(variant.make_down, factor=variant.factor)


@pytest.mark.parametrize("variant", UPS, ids=str)
def test_every_way_up_keeps_the_contract(variant: Variant) -> None:
    check_up(variant.up, factor=variant.factor)


@pytest.mark.parametrize("group", ["encoder", "decoder"])
def test_an_operator_is_one_small_file_and_says_what_it_is(group: str) -> None:
    for variant in DOWNS if group == "encoder" else UPS:
        operator: Any = variant.down(16, 16) if group == "encoder" else variant.up(16, 3)
        assert len((CONF / group / f"{variant.name}.yaml").read_text().splitlines()) <= 4
        description = " ".join(inspect.getdoc(type(operator)).split())
        for fact in ("Size", "ide information", "Source", " = "):
            assert fact in description, (variant, fact)


# Power: what a matched start means


@torch.no_grad()
@pytest.mark.parametrize("variant", DOWNS, ids=str)
def test_matched_ways_down_pass_on_the_same_power(variant: Variant) -> None:
    """Without an activation, output power is twice the input's; a ReLU will halve it."""
    x, s, ratios = rectified_field(2, 16, 48, grain=16), variant.factor, []
    for _ in range(4):
        y = variant.down(16, 64)(x)[0]
        ratios.append(power(y[..., 2:-2, 2:-2]) / power(x[..., 2 * s : -2 * s, 2 * s : -2 * s]) / 2)
    assert 0.75 < sum(ratios) / len(ratios) < 1.25


@torch.no_grad()
@pytest.mark.parametrize("variant", UPS, ids=str)
def test_matched_ways_up_pass_on_the_same_power(variant: Variant) -> None:
    y, s, ratios = rectified_field(2, 32, 12, grain=8), variant.factor, []
    size = (12 * s, 12 * s)
    for _ in range(4):
        x = variant.up(32, 64)(y, size, variant.index(2, 32, size))
        ratios.append(power(x[..., 3 * s : -3 * s, 3 * s : -3 * s]) / power(y[..., 3:-3, 3:-3]) / 2)
    assert 0.75 < sum(ratios) / len(ratios) < 1.25


# Flat fields and noise: the untrained layer


def gain_share(variant: Variant, seed: int) -> float:
    torch.manual_seed(seed)
    index = variant.index(1, 16, (16 * variant.factor, 16 * variant.factor))
    return flat_field_gain_share(variant.up(16, 16), 16, variant.factor, index).item()


@pytest.mark.parametrize("variant", [v for v in UPS if v.name in FLAT or dict(v.chosen).get("icnr")], ids=str)
def test_a_flat_field_stays_flat(variant: Variant) -> None:
    assert max(gain_share(variant, seed) for seed in range(5)) < 1e-10


@pytest.mark.parametrize(
    "variant", [v for v in UPS if v.name == "transpose" or v.chosen == (("icnr", False),)], ids=str
)
def test_overlap_is_not_what_a_flat_field_shows(variant: Variant) -> None:
    """Random weights give every phase its own gain, with overlap or without: (s² - 1)/s² of the power."""
    expected = 1 - 1 / variant.factor**2
    assert sum(gain_share(variant, seed) for seed in range(20)) / 20 == pytest.approx(expected, abs=0.06)


@torch.no_grad()
@pytest.mark.parametrize(("kernel_size", "expected"), [(2, 0.0), (3, 0.6), (4, 0.0), (5, 0.385)])
def test_overlap_shows_in_the_power_of_noise(kernel_size: int, expected: float) -> None:
    """9:6:6:4 of the taps for kernel 5, 4:2:2:1 for kernel 3, equal where the stride divides the kernel."""
    variant = next(
        v for v in UPS if v.name == "transpose" and v.factor == 2 and v.chosen == (("kernel_size", kernel_size),)
    )
    imbalance = PhaseErrorImbalance(2, border=4)
    for seed in range(40):
        torch.manual_seed(seed)
        imbalance.update(variant.up(16, 16)(torch.randn(4, 16, 16, 16), (32, 32), None))
    assert imbalance.compute().item() == pytest.approx(expected, abs=0.02)
