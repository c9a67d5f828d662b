"""Linear denoisers against closed forms and each other."""

import pytest
import torch

from helpers.images import add_noise, gaussian_images
from hourglass.metrics import baselines


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
