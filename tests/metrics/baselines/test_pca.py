"""Linear autoencoders against published numbers, brute force and closed forms."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.images import ODD_SHAPES, smooth_images
from hourglass.metrics import baselines
from hourglass.metrics.baselines import linear


@pytest.mark.parametrize(("dim", "mse"), [(8, 0.037885), (16, 0.027177), (32, 0.017227), (64, 0.009420)])
def test_pca_known_answers_on_test(digits, dim, mse):
    train, test = digits
    assert baselines.pca(train, test, dim) == pytest.approx(mse, abs=1e-6)


def test_pca_known_answers_on_train(digits):
    """There the error is the sum of the variances left out."""
    train = digits[0]
    basis = linear._principal(train.flatten(1), 64)
    for dim, mse in [(8, 0.037642), (16, 0.027019), (32, 0.016950), (64, 0.008971)]:
        assert (basis.total - basis.variances[:dim].sum().item()) / 784 == pytest.approx(mse, abs=1e-6)
    assert linear._filtered_mse(basis, train.flatten(1), train.flatten(1)) == pytest.approx(0.008971, abs=1e-6)


@pytest.mark.parametrize("count", [12, 400])  # fewer images than pixels, and more
@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 4, 5)])
@pytest.mark.parametrize("dim", [0, 1, 6])
def test_pca_is_the_brute_force_svd(count, shape, dim):
    train, test = smooth_images(count, shape), smooth_images(30, shape, seed=1)
    x, y = train.flatten(1).double() / 255, test.flatten(1).double() / 255
    basis = torch.linalg.svd(x - x.mean(0), full_matrices=False).Vh[:dim]
    answer = x.mean(0) + (y - x.mean(0)) @ basis.T @ basis
    assert baselines.pca(train, test, dim) == pytest.approx((answer - y).square().mean().item(), rel=1e-9)


def test_pca_limits():
    train, test = smooth_images(10, (1, 6, 6)), smooth_images(5, (1, 6, 6), seed=1)
    assert baselines.pca(train, test, 0) == pytest.approx(baselines.mean_image(train, test), rel=1e-12)
    assert baselines.pca(train, train, 9) == pytest.approx(0, abs=1e-20)  # rank of ten centred images
    assert (
        baselines.pca(train, test, 9) == baselines.pca(train, test, 35) > 0
    )  # train says nothing about the other directions
    assert baselines.pca(train, test, 36) == 0
    assert baselines.mean_image(train, test) == pytest.approx(
        (train.double().mean(0) - test).square().mean().item() / 255**2, rel=1e-12
    )
    assert baselines.pca(train / 255, test.double() / 255, 4) == pytest.approx(baselines.pca(train, test, 4), rel=1e-5)
    flat = torch.full((5, 1, 4, 4), 9, dtype=torch.uint8)
    assert baselines.pca(flat, flat, 3) == baselines.mean_image(flat, flat) == 0


def test_randomised_solver_agrees_with_the_exact_one(monkeypatch):
    train, test = smooth_images(150, (1, 12, 12)), smooth_images(40, (1, 12, 12), seed=1)
    exact = baselines.pca(train, test, 8), baselines.wiener_expected(train, 0.1, 8)
    monkeypatch.setattr(linear, "EXACT_LIMIT", 100)
    assert (baselines.pca(train, test, 8), baselines.wiener_expected(train, 0.1, 8)) == pytest.approx(exact, rel=1e-3)
    assert baselines.pca(train, test, 8) == baselines.pca(train, test, 8)
    with pytest.raises(ValueError, match="give a rank"):
        baselines.wiener_expected(train, 0.1)


def padded_patch_svd(train: Tensor, test: Tensor, patch: int, channels: int) -> float:
    """Shared weights by the SVD of zero-padded patches, error on real pixels: brute force with unfold."""
    pad = (0, -train.shape[3] % patch, 0, -train.shape[2] % patch)

    def rows(x: Tensor) -> Tensor:
        return F.unfold(F.pad(x.double() / 255, pad), patch, stride=patch).transpose(1, 2).flatten(0, 1)

    basis = torch.linalg.svd(rows(train), full_matrices=False).Vh[:channels]
    error = (rows(test) @ basis.T @ basis - rows(test)) * rows(torch.full_like(test, 255))
    return error.square().sum().item() / test.numel()


@pytest.mark.parametrize(("shape", "patch"), [((1, 8, 12), 4), ((3, 6, 4), 2), ((1, 25, 25), 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_patch_pca_is_the_brute_force_svd(shape, patch, channels):
    train, test = smooth_images(40, shape), smooth_images(15, shape, seed=1)
    expected = padded_patch_svd(train, test, patch, channels)
    assert baselines.patch_pca(train, test, patch, channels) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("patch", [2, 4])
def test_patch_pca_on_odd_sizes_is_a_lower_bound_on_train(shape, patch):
    train = smooth_images(40, shape)
    values = [baselines.patch_pca(train, train, patch, channels) for channels in range(1, 5)]
    assert values == sorted(values, reverse=True)
    for channels, value in enumerate(values, 1):
        assert value <= padded_patch_svd(train, train, patch, channels) + 1e-12
    assert baselines.patch_pca(train, smooth_images(5, shape, seed=1), patch, patch**2 * shape[0]) == 0


def test_patch_pca_identities():
    shape = (1, 6, 6)
    train, test = smooth_images(30, shape), smooth_images(10, shape, seed=1)
    blocky = train.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert baselines.patch_pca(blocky, blocky, 2, 1) == pytest.approx(0, abs=1e-20)  # one constant patch says it all
    pooled = baselines.pool_and_resize(train, 2, "nearest")  # a linear autoencoder with k = s = 2 and one channel
    assert baselines.patch_pca(train, train, 2, 1) <= pooled
    # one patch as large as the image: PCA about 0 instead of the mean, so one more component is at least as good as PCA
    assert (
        baselines.patch_pca(train, train, 6, 5)
        <= baselines.pca(train, train, 4)
        <= baselines.patch_pca(train, train, 6, 4)
    )
    assert baselines.patch_pca(train, test, 1, 1) == 0


def test_angles_to_pca_are_scipys(digits):
    train = digits[0][:800]
    weight = torch.randn(784, 5, generator=torch.Generator().manual_seed(0))
    basis = linear._principal(train.flatten(1), 5).vectors
    expected = np.sort(np.rad2deg(scipy.linalg.subspace_angles(weight.double().numpy(), basis.numpy())))
    assert baselines.pca_angles(train, weight).numpy() == pytest.approx(expected, abs=1e-6)
    mixed = basis @ torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert baselines.pca_angles(train, mixed).max() < 1e-8, "any basis of the same subspace"
    turned = basis.clone()
    turned[:, 4] = basis[:, 4] * math.cos(0.1) + linear._principal(train.flatten(1), 6).vectors[:, 5] * math.sin(0.1)
    assert baselines.pca_angles(train, turned).tolist() == pytest.approx([0, 0, 0, 0, math.degrees(0.1)], abs=1e-6)
    weight[:, 4] = weight[:, 0]
    assert baselines.pca_angles(train, weight)[-1] == 90, "it spans four dimensions"
