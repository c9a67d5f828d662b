"""Linear denoisers against closed forms and each other."""

import numpy as np
import pytest
import torch
from scipy.stats import binned_statistic

from helpers.images import add_noise, gaussian_images
from hourglass.metrics import baselines
from hourglass.metrics.baselines.pointwise import fitted


def test_noisy_input():
    clean = torch.zeros(4000, 1, 5, 5)
    assert baselines.noisy_input(clean, clean) == 0
    assert baselines.noisy_input(clean + 0.5, clean) == 0.25
    assert baselines.noisy_input(add_noise(clean, 0.3, seed=0), clean) == pytest.approx(0.09, rel=0.02)


@pytest.mark.parametrize("noise_std", [0.1, 0.5])
@pytest.mark.parametrize("rank", [None, 0, 3, 12])
def test_wiener_reaches_its_closed_form(noise_std, rank):
    (train, variances), (test, _) = gaussian_images(20000, seed=0), gaussian_images(20000, seed=1)
    kept = variances[:rank]
    exact = (kept * noise_std**2 / (kept + noise_std**2)).sum() + variances[len(kept) :].sum()
    expected = baselines.wiener_expected(train, noise_std, rank)
    assert expected == pytest.approx(exact.item() / 30, rel=0.015)
    assert baselines.wiener(train, add_noise(test, noise_std, 2), test, noise_std, rank) == pytest.approx(
        expected, rel=0.02
    )


def test_wiener_limits(digits):
    train, test = (images[:1000, :, ::2, ::2] for images in digits)
    assert baselines.wiener(train, test, test, 0.0, 9) == pytest.approx(baselines.pca(train, test, 9), rel=1e-12)
    assert baselines.wiener_expected(train, 0.0, 9) == pytest.approx(baselines.pca(train, train, 9), rel=1e-9)
    assert baselines.wiener_expected(train, 0.0) == pytest.approx(0, abs=1e-12)
    assert baselines.wiener_expected(train, 1e6) == pytest.approx(baselines.mean_image(train, train), rel=1e-6)
    noisy = add_noise(train / 255, 0.3, seed=0)
    assert baselines.wiener(train, noisy, train, 0.3) == pytest.approx(baselines.wiener_expected(train, 0.3), rel=0.02)


def test_affine_denoiser_finds_the_wiener_filter():
    (train, _), (test, _) = gaussian_images(20000, seed=0), gaussian_images(20000, seed=1)
    noisy_train, noisy_test = add_noise(train, 0.5, 2), add_noise(test, 0.5, 3)
    values = baselines.affine_denoiser(noisy_train, train, noisy_test, test)
    assert values == pytest.approx(baselines.wiener(train, noisy_test, test, 0.5), rel=0.005)
    assert baselines.affine_denoiser(1 - 2 * train, train, 1 - 2 * test, test) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("count", [100, 1500])  # fewer pairs than 196 pixels, and more
def test_affine_denoiser_does_not_overfit(digits, count):
    """Plain least squares is far above the mean image here, since masked pixels hardly vary."""
    train, test = digits[0][:count, :, ::2, ::2] / 255, digits[1][:, :, ::2, ::2] / 255
    seeded = torch.Generator().manual_seed(0)
    masked_train, masked_test = (x * (torch.rand(x.shape, generator=seeded) > 0.5) for x in (train, test))
    values = baselines.affine_denoiser(masked_train, train, masked_test, test)
    assert 0 < values < 0.9 * min(baselines.mean_image(train, test), baselines.noisy_input(masked_test, test))


def test_clipping_and_a_curve_come_to_what_an_independent_computation_gives(digits):
    """A Wiener filter by numpy; a curve of 40 bins by scipy."""
    of_train, test = (images[..., 7:21, 7:21] / 255 for images in digits)
    train, val = of_train[:1500], of_train[1500:2000]
    noisy_val, noisy_test = add_noise(val, 0.3, 1), add_noise(test, 0.3, 2)
    rows = train.flatten(1).double().numpy()
    covariance = np.cov(rows.T, bias=True)
    gain = np.linalg.solve(covariance + 0.09 * np.eye(196), covariance)
    mean = rows.mean(0)
    of_val, of_test = (mean + (x.flatten(1).double().numpy() - mean) @ gain for x in (noisy_val, noisy_test))
    clean = test.flatten(1).double().numpy()
    clipped = baselines.wiener_clipped(train, noisy_test, test, 0.3)
    assert clipped == pytest.approx(np.square(of_test.clip(0, 1) - clean).mean(), rel=1e-9)

    edges = np.quantile(of_val, np.linspace(0, 1, 41))
    knots, levels = (
        binned_statistic(of_val.ravel(), x.ravel(), "mean", edges).statistic
        for x in (of_val, val.flatten(1).double().numpy())
    )
    curved = baselines.wiener_curve(train, noisy_val, val, noisy_test, test, 0.3)
    assert curved == pytest.approx(np.square(np.interp(of_test, knots, levels) - clean).mean(), rel=1e-9)
    assert curved < 0.9 * clipped < 0.9 * baselines.wiener(train, noisy_test, test, 0.3)


def test_a_curve_of_gaussian_images_is_a_straight_line():
    """Where all is Gaussian, the linear filter is the best there is: the curve finds it, and adds next to nothing."""
    train, val, test = (gaussian_images(20000, seed=seed)[0] for seed in (0, 1, 2))
    noisy_val, noisy_test = add_noise(val, 0.5, 3), add_noise(test, 0.5, 4)
    curved = baselines.wiener_curve(train, noisy_val, val, noisy_test, test, 0.5)
    assert curved == pytest.approx(baselines.wiener(train, noisy_test, test, 0.5), rel=0.02)


def test_a_curve_of_few_values_takes_each_of_them():
    curve = fitted(torch.tensor([0.0, 0.0, 0.0, 1.0]).double(), torch.tensor([0.25, 0.5, 0.75, 1.0]).double())
    assert curve(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0]).double()).tolist() == [0.5, 0.5, 0.75, 1, 1]
