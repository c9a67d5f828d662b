"""Floors against published numbers, brute force and closed forms."""

import json
import logging
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.metrics import baselines as floors
from hourglass.metrics.baselines import linear

DIGITS = Path(floors.__file__).parents[2] / "data" / "assets" / "mnist5k.npz"
ODD_SHAPES = [(1, 25, 25), (3, 33, 45), (1, 28, 28), (3, 2, 7)]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices gain nothing from threads, and lose much where tests run beside each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """4,000 to train and 1,000 to test, (N, 1, 28, 28) uint8."""
    with np.load(DIGITS) as file:
        images = torch.from_numpy(file["images"])[:, None]
    return images[:4000], images[4000:]


def smooth_images(count: int, shape: tuple[int, int, int], seed: int = 0) -> Tensor:
    """Correlated uint8 images, so that the spectrum falls."""
    noise = torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))
    return (F.avg_pool2d(noise, 3, 1, 1) * 255).to(torch.uint8)


def gaussian_images(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Gaussian images (count, 1, 5, 6) along fixed axes, and the population variances 0.7^0 .. 0.7^29."""
    axes = torch.linalg.qr(torch.randn(30, 30, generator=torch.Generator().manual_seed(7)).double()).Q
    variances = 0.7 ** torch.arange(30, dtype=torch.float64)
    draws = torch.randn(count, 30, generator=torch.Generator().manual_seed(seed)).double()
    return (draws * variances.sqrt() @ axes.T).view(count, 1, 5, 6), variances


def add_noise(images: Tensor, noise_std: float, seed: int) -> Tensor:
    return images + noise_std * torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("dim", "mse"), [(8, 0.037885), (16, 0.027177), (32, 0.017227), (64, 0.009420)])
def test_pca_known_answers_on_test(digits, dim, mse):
    train, test = digits
    assert floors.pca(train, test, dim) == pytest.approx(mse, abs=1e-6)


def test_pca_known_answers_on_train(digits):
    """There the error is the sum of the variances left out."""
    train = digits[0]
    basis = linear._principal(train.flatten(1), 64)
    for dim, mse in [(8, 0.037642), (16, 0.027019), (32, 0.016950), (64, 0.008971)]:
        assert (basis.total - basis.variances[:dim].sum().item()) / 784 == pytest.approx(mse, abs=1e-6)
    assert linear._filtered_mse(basis, train.flatten(1), train.flatten(1)) == pytest.approx(0.008971, abs=1e-6)


def test_bce_known_answer(digits):
    assert floors.bce_entropy(digits[1]) == pytest.approx(0.058567, abs=1e-6)


def test_bce_entropy_is_bce_of_x_with_itself():
    x = torch.rand(4, 3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert floors.bce_entropy(x) == pytest.approx(F.binary_cross_entropy(x, x).item(), rel=1e-12)
    assert floors.bce_entropy((x > 0.5).double()) == 0


@pytest.mark.parametrize("count", [12, 400])  # fewer images than pixels, and more
@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 4, 5)])
@pytest.mark.parametrize("dim", [0, 1, 6])
def test_pca_is_the_brute_force_svd(count, shape, dim):
    train, test = smooth_images(count, shape), smooth_images(30, shape, seed=1)
    x, y = train.flatten(1).double() / 255, test.flatten(1).double() / 255
    basis = torch.linalg.svd(x - x.mean(0), full_matrices=False).Vh[:dim]
    answer = x.mean(0) + (y - x.mean(0)) @ basis.T @ basis
    assert floors.pca(train, test, dim) == pytest.approx((answer - y).square().mean().item(), rel=1e-9)


def test_pca_limits():
    train, test = smooth_images(10, (1, 6, 6)), smooth_images(5, (1, 6, 6), seed=1)
    assert floors.pca(train, test, 0) == pytest.approx(floors.mean_image(train, test), rel=1e-12)
    assert floors.pca(train, train, 9) == pytest.approx(0, abs=1e-20)  # rank of ten centred images
    assert (
        floors.pca(train, test, 9) == floors.pca(train, test, 35) > 0
    )  # train says nothing about the other directions
    assert floors.pca(train, test, 36) == 0
    assert floors.mean_image(train, test) == pytest.approx(
        (train.double().mean(0) - test).square().mean().item() / 255**2, rel=1e-12
    )
    assert floors.pca(train / 255, test.double() / 255, 4) == pytest.approx(floors.pca(train, test, 4), rel=1e-5)
    flat = torch.full((5, 1, 4, 4), 9, dtype=torch.uint8)
    assert floors.pca(flat, flat, 3) == floors.mean_image(flat, flat) == 0


def test_randomised_solver_agrees_with_the_exact_one(monkeypatch):
    train, test = smooth_images(150, (1, 12, 12)), smooth_images(40, (1, 12, 12), seed=1)
    exact = floors.pca(train, test, 8), floors.wiener_expected(train, 0.1, 8)
    monkeypatch.setattr(linear, "EXACT_LIMIT", 100)
    assert (floors.pca(train, test, 8), floors.wiener_expected(train, 0.1, 8)) == pytest.approx(exact, rel=1e-3)
    assert floors.pca(train, test, 8) == floors.pca(train, test, 8)
    with pytest.raises(ValueError, match="give a rank"):
        floors.wiener_expected(train, 0.1)


@pytest.mark.parametrize("blocked", [1, 500])  # numbers a block: one image at a time, and a few
def test_the_block_size_changes_nothing(monkeypatch, blocked):
    train, test = smooth_images(50, (3, 5, 7)), smooth_images(20, (3, 5, 7), seed=1)
    whole = floors.compute_floors(train, test, code_numbers=12, code_shape=(2, 2, 3), factor_total=3, bce=True)
    monkeypatch.setattr("hourglass.metrics.baselines.pixels.BLOCK_NUMBERS", blocked)
    small = floors.compute_floors(train, test, code_numbers=12, code_shape=(2, 2, 3), factor_total=3, bce=True)
    assert small == pytest.approx(whole, rel=1e-9)


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
    assert floors.patch_pca(train, test, patch, channels) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("patch", [2, 4])
def test_patch_pca_on_odd_sizes_is_a_lower_bound_on_train(shape, patch):
    train = smooth_images(40, shape)
    values = [floors.patch_pca(train, train, patch, channels) for channels in range(1, 5)]
    assert values == sorted(values, reverse=True)
    for channels, value in enumerate(values, 1):
        assert value <= padded_patch_svd(train, train, patch, channels) + 1e-12
    assert floors.patch_pca(train, smooth_images(5, shape, seed=1), patch, patch**2 * shape[0]) == 0


def test_patch_pca_identities():
    shape = (1, 6, 6)
    train, test = smooth_images(30, shape), smooth_images(10, shape, seed=1)
    blocky = train.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert floors.patch_pca(blocky, blocky, 2, 1) == pytest.approx(0, abs=1e-20)  # one constant patch says it all
    pooled = floors.pool_and_resize(train, 2, "nearest")  # a linear autoencoder with k = s = 2 and one channel
    assert floors.patch_pca(train, train, 2, 1) <= pooled
    # one patch as large as the image: PCA about 0 instead of the mean, so one more component is at least as good as PCA
    assert floors.patch_pca(train, train, 6, 5) <= floors.pca(train, train, 4) <= floors.patch_pca(train, train, 6, 4)
    assert floors.patch_pca(train, test, 1, 1) == 0


@pytest.mark.parametrize("mode", ["nearest", "bicubic"])
@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("factor", [2, 4, 50])
def test_pool_and_resize(shape, factor, mode):
    test = smooth_images(6, shape)
    assert floors.pool_and_resize(test, factor, mode) > 0
    assert floors.pool_and_resize(test, 1, mode) == pytest.approx(0, abs=1e-20)
    constant = torch.full((2, *shape), 200, dtype=torch.uint8)
    assert floors.pool_and_resize(constant, factor, mode) == pytest.approx(0, abs=1e-20)


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
    assert floors.pool_and_resize(test, factor, "nearest") == pytest.approx(error / x.numel(), rel=1e-12)


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
    assert floors.pool_and_resize(test, factor, "bicubic") == pytest.approx(expected, rel=1e-9)


def test_noisy_input():
    clean = torch.zeros(4000, 1, 5, 5)
    assert floors.noisy_input(clean, clean) == 0
    assert floors.noisy_input(clean + 0.5, clean) == 0.25
    assert floors.noisy_input(add_noise(clean, 0.3, seed=0), clean) == pytest.approx(0.09, rel=0.02)


@pytest.mark.parametrize("noise_std", [0.1, 0.5])
@pytest.mark.parametrize("rank", [None, 0, 3, 12])
def test_wiener_reaches_its_closed_form(noise_std, rank):
    (train, variances), (test, _) = gaussian_images(20000, seed=0), gaussian_images(20000, seed=1)
    kept = variances[:rank]
    exact = (kept * noise_std**2 / (kept + noise_std**2)).sum() + variances[len(kept) :].sum()
    expected = floors.wiener_expected(train, noise_std, rank)
    assert expected == pytest.approx(exact.item() / 30, rel=0.015)
    assert floors.wiener(train, add_noise(test, noise_std, 2), test, noise_std, rank) == pytest.approx(
        expected, rel=0.02
    )


def test_wiener_limits(digits):
    train, test = (images[:1000, :, ::2, ::2] for images in digits)
    assert floors.wiener(train, test, test, 0.0, 9) == pytest.approx(floors.pca(train, test, 9), rel=1e-12)
    assert floors.wiener_expected(train, 0.0, 9) == pytest.approx(floors.pca(train, train, 9), rel=1e-9)
    assert floors.wiener_expected(train, 0.0) == pytest.approx(0, abs=1e-12)
    assert floors.wiener_expected(train, 1e6) == pytest.approx(floors.mean_image(train, train), rel=1e-6)
    noisy = add_noise(train / 255, 0.3, seed=0)
    assert floors.wiener(train, noisy, train, 0.3) == pytest.approx(floors.wiener_expected(train, 0.3), rel=0.02)


def test_affine_denoiser_finds_the_wiener_filter():
    (train, _), (test, _) = gaussian_images(20000, seed=0), gaussian_images(20000, seed=1)
    noisy_train, noisy_test = add_noise(train, 0.5, 2), add_noise(test, 0.5, 3)
    found = floors.affine_denoiser(noisy_train, train, noisy_test, test)
    assert found == pytest.approx(floors.wiener(train, noisy_test, test, 0.5), rel=0.005)
    assert floors.affine_denoiser(1 - 2 * train, train, 1 - 2 * test, test) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("count", [100, 1500])  # fewer pairs than 196 pixels, and more
def test_affine_denoiser_does_not_overfit(digits, count):
    """Plain least squares is far above the mean image here, since masked pixels hardly vary."""
    train, test = digits[0][:count, :, ::2, ::2] / 255, digits[1][:, :, ::2, ::2] / 255
    seeded = torch.Generator().manual_seed(0)
    masked_train, masked_test = (x * (torch.rand(x.shape, generator=seeded) > 0.5) for x in (train, test))
    found = floors.affine_denoiser(masked_train, train, masked_test, test)
    assert 0 < found < 0.9 * min(floors.mean_image(train, test), floors.noisy_input(masked_test, test))


def test_cache_computes_once_and_by_content(tmp_path):
    calls = []

    def mean_plus(images: Tensor, dim: int) -> float:
        calls.append(dim)
        return images.double().mean().item() + dim

    images = smooth_images(3, (1, 4, 4))
    first = floors.cached(tmp_path / "new", mean_plus, images, 1)
    assert floors.cached(tmp_path / "new", mean_plus, images.clone(), 1) == first
    assert calls == [1]
    floors.cached(tmp_path / "new", mean_plus, images, 2)
    floors.cached(tmp_path / "new", mean_plus, images.flip(0), 1)
    floors.cached(tmp_path / "new", mean_plus, images.view(3, 1, 2, 8), 1)
    floors.cached(tmp_path / "new", mean_plus, images.float(), 1)
    assert calls == [1, 2, 1, 1, 1]
    assert sorted(p.suffix for p in (tmp_path / "new").iterdir()) == [".json"] * 5
    floors.cached(None, mean_plus, images, 1)
    assert len(calls) == 6


@pytest.mark.parametrize("torn", [b"", b'{"floor": "pca", "val', b'{"value": null}', b"[1]", b"\xff\xfe"])
def test_a_torn_cache_file_is_computed_again(tmp_path, caplog, torn):
    train = smooth_images(10, (1, 4, 4))
    value = floors.cached(tmp_path, floors.pca, train, train, 2)
    (path,) = tmp_path.iterdir()
    path.write_bytes(torn)
    with caplog.at_level(logging.WARNING):
        assert floors.cached(tmp_path, floors.pca, train, train, 2) == value
    assert path.name in caplog.text
    assert json.loads(path.read_text()) == {"floor": "pca", "value": value}


def test_a_cache_that_cannot_be_written_is_no_crash(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    train = smooth_images(10, (1, 4, 4))
    assert floors.cached(tmp_path / "file" / "folder", floors.mean_image, train, train) > 0
    assert "cannot keep" in caplog.text


@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_compute_floors_of_a_spatial_code(tmp_path, shape):
    train, test = smooth_images(30, shape), smooth_images(8, shape, seed=1)
    noisy_train, noisy_test = add_noise(train / 255, 0.2, 2), add_noise(test / 255, 0.2, 3)
    code_shape = (2, ceil(shape[1] / 4), ceil(shape[2] / 4))
    found = floors.compute_floors(
        train,
        test,
        code_numbers=5,
        code_shape=code_shape,
        factor_total=4,
        corrupted_train=noisy_train,
        corrupted_test=noisy_test,
        noise_std=0.2,
        bce=True,
        cache=tmp_path,
    )
    assert found == {
        "mean_image": floors.mean_image(train, test),
        "pca": floors.pca(train, test, 5),
        "patch_pca": floors.patch_pca(train, test, 4, 2),
        "pool_nearest": floors.pool_and_resize(test, 4, "nearest"),
        "pool_bicubic": floors.pool_and_resize(test, 4, "bicubic"),
        "noisy_input": floors.noisy_input(noisy_test, test),
        "wiener": floors.wiener(train, noisy_test, test, 0.2),
        "wiener_code": floors.wiener(train, noisy_test, test, 0.2, 5),
        "affine": floors.affine_denoiser(noisy_train, train, noisy_test, test),
        "bce_entropy": floors.bce_entropy(test),
    }
    assert len(list(tmp_path.iterdir())) == len(found)


@pytest.mark.parametrize(("code_numbers", "factor"), [(784, 1), (783, 2), (196, 2), (16, 7), (15, 10), (1, 28)])
def test_compute_floors_of_a_flat_code_pools_to_what_fits(code_numbers, factor):
    train, test = smooth_images(30, (1, 28, 28)), smooth_images(8, (1, 28, 28), seed=1)
    found = floors.compute_floors(train, test, code_numbers=code_numbers, code_shape=(code_numbers,), factor_total=None)
    assert sorted(found) == ["mean_image", "pca", "pool_bicubic", "pool_nearest"]
    assert found["pool_nearest"] == floors.pool_and_resize(test, factor, "nearest")


def test_compute_floors_leaves_out_what_does_not_apply(monkeypatch):
    train = smooth_images(30, (3, 6, 6))
    noise = {"corrupted_train": train, "corrupted_test": train, "noise_std": 0.1}
    found = floors.compute_floors(train, train, code_numbers=2, code_shape=(2,), factor_total=None)
    assert sorted(found) == ["mean_image", "pca"]  # three channels do not fit into two numbers
    monkeypatch.setattr(linear, "EXACT_LIMIT", 20)
    monkeypatch.setattr(floors, "EXACT_LIMIT", 20)
    found = floors.compute_floors(train, train, code_numbers=2, code_shape=(2,), factor_total=None, **noise)
    assert sorted(found) == ["mean_image", "noisy_input", "pca", "wiener_code"]


IMAGES = smooth_images(4, (1, 6, 6))


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: floors.pca(IMAGES[0], IMAGES, 2), "give .N, C, H, W."),
        (lambda: floors.pca(IMAGES[:0], IMAGES, 2), "give .N, C, H, W."),
        (lambda: floors.pca(IMAGES.int(), IMAGES, 2), "uint8 or float"),
        (lambda: floors.pca(IMAGES, IMAGES[..., :5], 2), "resize one"),
        (lambda: floors.pca(IMAGES, IMAGES, -1), "use dim >= 0"),
        (lambda: floors.patch_pca(IMAGES, IMAGES, 0, 1), "use patch >= 1"),
        (lambda: floors.patch_pca(IMAGES, IMAGES, 2, 0), "use channels >= 1"),
        (lambda: floors.pool_and_resize(IMAGES, 0, "nearest"), "use factor >= 1"),
        (lambda: floors.pool_and_resize(IMAGES, 2, "linear"), "use 'nearest' or 'bicubic'"),
        (lambda: floors.noisy_input(IMAGES[:3], IMAGES), "in pairs"),
        (lambda: floors.wiener(IMAGES, IMAGES, IMAGES, -0.1), "standard deviation"),
        (lambda: floors.wiener_expected(IMAGES, 0.1, -1), "use rank >= 0"),
        (lambda: floors.affine_denoiser(IMAGES[:3], IMAGES, IMAGES, IMAGES), "in pairs"),
        (lambda: floors.affine_denoiser(*[torch.zeros(1).expand(4097, 1, 4097, 1)] * 4), "give fewer"),
        (lambda: floors.bce_entropy(IMAGES.float()), "scale them to"),
    ],
)
def test_bad_input_is_refused_with_its_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"factor_total": 2}, "factor_total=None for a flat code"),
        ({"code_shape": (8,)}, "factor_total=None for a flat code"),
        ({"noise_std": 0.1}, "pass corrupted_test too"),
        ({"corrupted_train": IMAGES}, "pass corrupted_test too"),
        ({"train": IMAGES.float()}, "scale them to"),
    ],
)
def test_compute_floors_refuses_what_does_not_fit(change, cure):
    good = {"train": IMAGES, "test": IMAGES, "code_numbers": 8, "code_shape": (2, 2, 2), "factor_total": 3}
    floors.compute_floors(**good)
    with pytest.raises(ValueError, match=cure):
        floors.compute_floors(**{**good, **change})
