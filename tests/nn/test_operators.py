"""Every operator alone: sizes, batches, gradients, power, flat fields and noise."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from helpers.project import CONF
from helpers.variants import DOWNS, UPS, Variant, cells, rectified_field
from hourglass.metrics import PhaseErrorImbalance, flat_field_gain_share

FLAT = ("nearest", "resize", "bilinear", "bilinear_additive", "fir", "smooth", "carafe", "dysample")
"""A flat field stays flat, whatever the weights; with ICNR it does until the first step."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def sizes(factor: int) -> Iterator[tuple[int, int]]:
    yield from ((n, n) for n in range(factor, 34))
    yield from ((25, 33), (33, 18), (factor, 33), (31, factor))


def power(x: Tensor) -> float:
    return x.square().mean().item()


# Shapes


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("variant", DOWNS, ids=str)
def test_every_way_down_rounds_up(variant: Variant, channels: int) -> None:
    operator = variant.down(channels, 16, "relu")
    for size in sizes(variant.factor):
        code, index = operator(torch.rand(2, channels, *size))
        assert code.shape == (2, 16, *cells(size, variant.factor))
        assert torch.isfinite(code).all()
        assert (index is None) == (operator.index_kind is None)


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("variant", UPS, ids=str)
def test_every_way_up_returns_exactly_the_size(variant: Variant, channels: int) -> None:
    operator = variant.up(16, channels)
    for size in sizes(variant.factor):
        y = torch.rand(2, 16, *cells(size, variant.factor))
        x = operator(y, size, variant.index(2, 16, size))
        assert x.shape == (2, channels, *size)
        assert torch.isfinite(x).all()


# One image, one operator


@torch.no_grad()
@pytest.mark.parametrize("variant", [*DOWNS, *UPS], ids=str)
def test_an_image_does_not_depend_on_its_batch_nor_an_operator_on_chance(variant: Variant) -> None:
    built = []
    for _ in range(2):
        torch.manual_seed(1)
        operator = (variant.down(16, 32, "relu") if variant.group == "encoder" else variant.up(16, 3)).double()
        built.append(operator)
    assert all(torch.equal(a, b) for a, b in zip(*(o.state_dict().values() for o in built), strict=True))
    size = (13, 18)
    if variant.group == "encoder":
        x = torch.randn(3, 16, *size, dtype=torch.float64)
        together, alone, again = built[0](x)[0], built[0](x[:1])[0], built[1](x)[0]
    else:
        y, index = torch.randn(3, 16, *cells(size, variant.factor), dtype=torch.float64), variant.index(3, 16, size)
        together, again = built[0](y, size, index), built[1](y, size, index)
        alone = built[0](y[:1], size, None if index is None else index[:1])
    assert torch.equal(together, again)
    torch.testing.assert_close(together[:1], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", [*DOWNS, *UPS], ids=str)
def test_every_parameter_and_the_input_get_a_finite_gradient(variant: Variant) -> None:
    size = (13, 18)
    if variant.group == "encoder":
        operator, x = variant.down(3, 16, "relu"), torch.randn(2, 3, *size, requires_grad=True)
        out = operator(x)[0]
    else:
        operator, x = variant.up(16, 3), torch.randn(2, 16, *cells(size, variant.factor), requires_grad=True)
        out = operator(x, size, variant.index(2, 16, size))
    (out * torch.randn_like(out)).sum().backward()
    for tensor in (x, *operator.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().sum() > 0


@torch.no_grad()
@pytest.mark.parametrize("variant", [*DOWNS, *UPS], ids=str)
def test_bfloat16_comes_near(variant: Variant) -> None:
    size, last = (13, 18), torch.channels_last
    if variant.group == "encoder":
        operator, inputs = variant.down(3, 16, "relu"), (torch.rand(2, 3, *size).to(memory_format=last),)
    else:
        y = torch.rand(2, 16, *cells(size, variant.factor)).to(memory_format=last)
        operator, inputs = variant.up(16, 3), (y, size, variant.index(2, 16, size))
    expected = operator(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        actual = operator.to(memory_format=last)(*inputs)
    if variant.group == "encoder":
        expected, actual = expected[0], actual[0]
    torch.testing.assert_close(actual.float(), expected, rtol=0.02, atol=0.02 * expected.abs().max().item())


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
