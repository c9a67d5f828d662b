"""Pooling and the entropy of the targets against brute force."""

from math import ceil, floor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.images import ODD_SHAPES, smooth_images
from hourglass.metrics import baselines


def test_bce_known_answer(digits):
    assert baselines.bce_entropy(digits[1]) == pytest.approx(0.058567, abs=1e-6)


def test_bce_entropy_is_bce_of_x_with_itself():
    x = torch.rand(4, 3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert baselines.bce_entropy(x) == pytest.approx(F.binary_cross_entropy(x, x).item(), rel=1e-12)
    assert baselines.bce_entropy((x > 0.5).double()) == 0


@pytest.mark.parametrize("mode", ["nearest", "bicubic"])
@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("factor", [2, 4, 50])
def test_pool_and_resize(shape, factor, mode):
    test = smooth_images(6, shape)
    assert baselines.pool_and_resize(test, factor, mode) > 0
    assert baselines.pool_and_resize(test, 1, mode) == pytest.approx(0, abs=1e-20)
    constant = torch.full((2, *shape), 200, dtype=torch.uint8)
    assert baselines.pool_and_resize(constant, factor, mode) == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("factor", [2, 4])
def test_pool_nearest_is_the_variance_within_cells(shape, factor):
    """Exact also where the factor does not divide the size: cells at the edge average their real pixels only."""
    test = smooth_images(3, shape)
    x = test.double() / 255
    error = 0.0
    for top in range(0, shape[1], factor):
        for left in range(0, shape[2], factor):
            cell = x[:, :, top : top + factor, left : left + factor]
            error += (cell - cell.mean((2, 3), keepdim=True)).square().sum().item()
    assert baselines.pool_and_resize(test, factor, "nearest") == pytest.approx(error / x.numel(), rel=1e-12)


def cubic_rows(size: int, factor: int) -> Tensor:
    """(size, ceil(size / factor)) weights of Keys' cubic kernel with a = -0.75, cell centres at (i + 1/2) factor."""
    cells, a = ceil(size / factor), -0.75
    weights = torch.zeros(size, cells, dtype=torch.float64)
    for i in range(size):
        at = (i + 0.5) / factor - 0.5
        for j in range(floor(at) - 1, floor(at) + 3):
            d = abs(at - j)
            inner, outer = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
            weights[i, min(max(j, 0), cells - 1)] += inner if d <= 1 else outer
    return weights


@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("factor", [2, 4])
def test_pool_bicubic_is_keys_kernel_on_the_grid_of_cells(shape, factor):
    test = smooth_images(3, shape)
    x = test.double() / 255
    rows = [x[:, :, i : i + factor] for i in range(0, shape[1], factor)]
    small = torch.stack(
        [torch.stack([r[..., j : j + factor].mean((2, 3)) for j in range(0, shape[2], factor)], -1) for r in rows], 2
    )
    answer = cubic_rows(shape[1], factor) @ small @ cubic_rows(shape[2], factor).T
    expected = (answer - x).square().mean().item()
    assert baselines.pool_and_resize(test, factor, "bicubic") == pytest.approx(expected, rel=1e-9)
