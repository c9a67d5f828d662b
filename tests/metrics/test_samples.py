"""Samplers and what samples are held against, where the answer is known."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from hourglass.core.errors import ConfigError, DataError
from hourglass.metrics.codes import samplers, samples

RANDOM = np.random.default_rng(0)


def covariance(dim: int) -> np.ndarray:
    factor = RANDOM.normal(size=(dim, dim))
    return factor @ factor.T


def test_the_frechet_distance_of_gaussians_has_a_closed_form() -> None:
    """With covariances on the same axes, |m - m₂|² + Σ(σ - σ₂)²; with others, by the square root of a matrix."""
    mean, mean2, var, var2 = RANDOM.uniform(1, 2, (4, 6))
    axes = np.linalg.qr(RANDOM.normal(size=(6, 6)))[0]
    one, two = axes * var @ axes.T, axes * var2 @ axes.T
    expected = ((mean - mean2) ** 2).sum() + ((np.sqrt(var) - np.sqrt(var2)) ** 2).sum()
    assert samples.frechet_of_gaussians(mean, one, mean2, two) == pytest.approx(expected, abs=1e-10)
    one, two = covariance(6), covariance(6)
    expected = ((mean - mean2) ** 2).sum() + np.trace(one + two - 2 * sqrtm(one @ two).real)
    assert samples.frechet_of_gaussians(mean, one, mean2, two) == pytest.approx(expected, abs=1e-8)
    rows = RANDOM.normal(size=(3, 6))  # fewer rows than dimensions
    assert samples.frechet(rows, rows) == pytest.approx(0, abs=1e-6)
    assert samples.frechet(rows, rows + 2) == pytest.approx(24, abs=1e-6)


def test_copies_are_found_and_what_is_new_is_none() -> None:
    generator = torch.Generator().manual_seed(0)
    train, test, new = torch.rand(3, 200, 30, generator=generator)
    drawn = torch.cat([train[50:60], new[:30]])
    near, where = samples.nearest(drawn.double(), train.split(70))
    assert where[:10].tolist() == list(range(50, 60))
    assert near[:10].max() < 1e-12
    expected = (drawn[10:, None] - train).square().mean(2).min(1)
    torch.testing.assert_close(near[10:].float(), expected.values)
    assert torch.equal(where[10:], expected.indices)
    near_test, _ = samples.nearest(test.double(), [train])
    found = samples.compared(drawn, near, train, test, near_test, dims=4)
    assert found["copies"] == pytest.approx(0.25, abs=0.05)
    assert found["nearest"] < found["nearest_test"]
    assert 0 <= found["frechet_pca_bias"] < 0.5


def test_as_many_are_compared_as_leave_other_test_images() -> None:
    rows = torch.rand(60, 6, generator=torch.Generator().manual_seed(0))
    near = torch.zeros(30).double()
    for n, tests in ((30, 25), (7, 25), (30, 60)):
        held = samples.held_against(n, tests)
        assert held == min(n, tests // 2)
        found = samples.compared(rows[:n], near[:n], rows, rows[:tests], near[:tests], dims=6)
        assert found == samples.compared(rows[:held], near[:n], rows, rows[: 2 * held], near[:tests], dims=6)


def test_there_are_no_more_gaussians_than_codes() -> None:
    codes = RANDOM.normal(size=(4, 3))
    assert samplers.gmm(codes, 9, 0, components=4, dims=2).shape == (9, 3)
    with pytest.raises(
        ConfigError, match=r"components=5 .* of 4 training images: use components=4 or fewer, or a larg"
    ):
        samplers.gmm(codes, 9, 0, components=5, dims=2)


@pytest.mark.parametrize("sampler", ["gmm", pytest.param("flow", marks=pytest.mark.slow)])
def test_new_codes_are_distributed_as_the_known_ones(sampler: str) -> None:
    """Two clusters on a plane in ten dimensions: mean, covariance and the empty space between them."""
    centres = RANDOM.integers(0, 2, 1000)[:, None] * 2 - 1
    plane = RANDOM.normal(size=(2, 10))
    codes = (np.hstack([3 * centres, centres]) + 0.3 * RANDOM.normal(size=(1000, 2))) @ plane + 5
    options = {"components": 4} if sampler == "gmm" else {"steps": 200}
    new, again, other = (getattr(samplers, sampler)(codes, 800, seed, dims=64, **options) for seed in (0, 0, 1))
    assert new.shape == (800, 10)
    np.testing.assert_array_equal(new, again)
    assert not np.array_equal(new, other)
    spread = np.trace(np.cov(codes.T))
    assert samples.frechet(new, codes) < 0.05 * spread
    on_plane = (new - 5) @ np.linalg.pinv(plane)
    np.testing.assert_allclose(on_plane @ plane, new - 5, atol=1e-6)
    assert (np.abs(on_plane[:, 0]) < 1.5).mean() < 0.1


@pytest.mark.parametrize("sampler", ["gmm", "flow"])
def test_codes_of_dead_units_are_refused(sampler: str) -> None:
    options = {"components": 4} if sampler == "gmm" else {"steps": 2}
    codes = np.full((50, 3), 7.0)
    for dead in (codes, codes * (1 + 1e-7 * RANDOM.choice([-1, 1], size=codes.shape))):
        with pytest.raises(DataError, match=r"its units are dead, .*: train again, as with activation=leaky_relu"):
            getattr(samplers, sampler)(dead, 5, 0, dims=64, **options)
    codes[:, 1] = RANDOM.normal(size=50)  # one that lives is enough
    new = getattr(samplers, sampler)(codes, 20, 0, dims=64, **options)
    np.testing.assert_allclose(new[:, [0, 2]], 7, atol=1e-6)
    assert new[:, 1].std() > 0


def test_frequencies_are_those_of_each_position() -> None:
    codes = torch.tensor([[[0, 5], [7, 1]], [[0, 6], [7, 2]], [[0, 6], [7, 3]], [[0, 6], [7, 4]]])
    new = samplers.frequencies(codes, 4000, 0)
    assert new.shape == (4000, 2, 2)
    assert (new[:, 0, 0] == 0).all()
    assert (new[:, 1, 0] == 7).all()
    assert (new[:, 0, 1] == 5).float().mean() == pytest.approx(0.25, abs=0.03)
    both = ((new[:, 0, 1] == 5) & (new[:, 1, 1] == 1)).float().mean()
    assert both == pytest.approx(1 / 16, abs=0.02)  # together always in the codes: positions know nothing of each other
