"""Which baselines apply to which code, and what is refused."""

from math import ceil

import pytest
import torch

from helpers.images import ODD_SHAPES, add_noise, smooth_images
from hourglass.metrics import baselines
from hourglass.metrics.baselines import linear

IMAGES = smooth_images(4, (1, 6, 6))


@pytest.mark.parametrize("blocked", [1, 500])  # values in a block: one image at a time, and a few
def test_the_block_size_changes_nothing(monkeypatch, blocked):
    train, test = smooth_images(50, (3, 5, 7)), smooth_images(20, (3, 5, 7), seed=1)
    whole = baselines.compute_baselines(train, test, code_size=12, code_shape=(2, 2, 3), factor_total=3, bce=True)
    monkeypatch.setattr("hourglass.metrics.baselines.pixels.BLOCK_SIZE", blocked)
    small = baselines.compute_baselines(train, test, code_size=12, code_shape=(2, 2, 3), factor_total=3, bce=True)
    assert small == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_compute_baselines_of_a_spatial_code(tmp_path, shape):
    train, test, val = (smooth_images(n, shape, seed) for seed, n in enumerate((30, 8, 6)))
    noisy_train, noisy_test, noisy_val = (add_noise(x / 255, 0.2, i) for i, x in enumerate((train, test, val)))
    code_shape = (2, ceil(shape[1] / 4), ceil(shape[2] / 4))
    values = baselines.compute_baselines(
        train,
        test,
        code_size=5,
        code_shape=code_shape,
        factor_total=4,
        corrupted_train=noisy_train,
        corrupted_test=noisy_test,
        val=val,
        corrupted_val=noisy_val,
        noise_std=0.2,
        bce=True,
        cache=tmp_path,
    )
    assert values == {
        "mean_image": baselines.mean_image(train, test),
        "pca": baselines.pca(train, test, 5),
        "patch_pca": baselines.patch_pca(train, test, 4, 2),
        "pool_nearest": baselines.pool_and_resize(test, 4, "nearest"),
        "pool_bicubic": baselines.pool_and_resize(test, 4, "bicubic"),
        "noisy_input": baselines.noisy_input(noisy_test, test),
        "wiener": baselines.wiener(train, noisy_test, test, 0.2),
        "wiener_clipped": baselines.wiener_clipped(train, noisy_test, test, 0.2),
        "wiener_curve": baselines.wiener_curve(train, noisy_val, val, noisy_test, test, 0.2),
        "wiener_code": baselines.wiener(train, noisy_test, test, 0.2, 5),
        "affine": baselines.affine_denoiser(noisy_train, train, noisy_test, test),
        "bce_entropy": baselines.bce_entropy(test),
    }
    assert len(list(tmp_path.iterdir())) == len(values)


@pytest.mark.parametrize(("code_size", "factor"), [(783, 2), (196, 2), (16, 7), (15, 10), (1, 28)])
def test_compute_baselines_of_a_flat_code_pools_to_what_fits(code_size, factor):
    train, test = smooth_images(30, (1, 28, 28)), smooth_images(8, (1, 28, 28), seed=1)
    values = baselines.compute_baselines(train, test, code_size=code_size, code_shape=(code_size,), factor_total=None)
    assert sorted(values) == ["mean_image", "pca", "pool_bicubic", "pool_nearest"]
    assert values["pool_nearest"] == baselines.pool_and_resize(test, factor, "nearest")


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 6, 6), (2, 5, 7)])
def test_what_makes_no_error_by_construction_is_left_out(shape):
    train, test = smooth_images(30, shape), smooth_images(8, shape, seed=1)
    channels, height, width = shape
    pixels, patch = channels * height * width, channels * 16
    grid = (ceil(height / 4), ceil(width / 4))

    def flat(size):
        return baselines.compute_baselines(train, test, code_size=size, code_shape=(size,), factor_total=None)

    def spatial(maps):
        size = maps * grid[0] * grid[1]
        values = baselines.compute_baselines(train, test, code_size=size, code_shape=(maps, *grid), factor_total=4)
        return values.get("patch_pca"), "pca" in values

    assert sorted(flat(pixels)) == sorted(flat(2 * pixels)) == ["mean_image"]
    assert flat(pixels - 1)["pool_nearest"] > 0
    assert "pca" in flat(pixels - 1)
    assert spatial(patch) == (None, False)  # on odd sizes such a code has more numbers than the image has pixels
    assert spatial(patch - 1)[0] > 0
    small = baselines.compute_baselines(train, test, code_size=pixels, code_shape=(pixels, 1, 1), factor_total=32)
    assert sorted(small) == ["mean_image", "pool_bicubic", "pool_nearest"]  # the only patch is the image


def test_compute_baselines_leaves_out_what_does_not_apply(monkeypatch):
    train = smooth_images(30, (3, 6, 6))
    noise = {"corrupted_train": train, "corrupted_test": train, "noise_std": 0.1}
    values = baselines.compute_baselines(train, train, code_size=2, code_shape=(2,), factor_total=None)
    assert sorted(values) == ["mean_image", "pca"]  # three channels do not fit into two numbers
    monkeypatch.setattr(linear, "EXACT_LIMIT", 20)
    monkeypatch.setattr(baselines, "EXACT_LIMIT", 20)
    values = baselines.compute_baselines(train, train, code_size=2, code_shape=(2,), factor_total=None, **noise)
    assert sorted(values) == ["mean_image", "noisy_input", "pca", "wiener_code"]


def test_too_much_work_is_left_out_and_much_is_announced(caplog, monkeypatch):
    caplog.set_level("INFO")
    photos = torch.empty(4000, 3, 64, 64, dtype=torch.uint8, device="meta")
    assert not baselines.is_bounded("pca", photos, 8192)
    assert caplog.messages == [
        "baseline pca is left out: of 4,000 images of 12,288 pixels it takes too much work (9e+11 multiply-adds)"
    ]
    assert baselines.is_bounded("pca", torch.empty(45_000, 3, 32, 32, device="meta"), 2048)  # CIFAR-10
    assert caplog.messages[1] == "baseline pca of 45,000 images of 3,072 pixels: some 19 s, once"
    assert baselines.is_bounded("pca", torch.empty(4000, 1, 28, 28, device="meta"), 1568)
    assert len(caplog.messages) == 2
    train = smooth_images(30, (3, 6, 6))
    monkeypatch.setattr(baselines, "MOST_WORK", 1.0)
    noise = {"corrupted_train": train, "corrupted_test": train, "noise_std": 0.1}
    values = baselines.compute_baselines(train, train, code_size=2, code_shape=(2,), factor_total=None, **noise)
    assert sorted(values) == ["mean_image", "noisy_input"]


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: baselines.pca(IMAGES[0], IMAGES, 2), "give .N, C, H, W."),
        (lambda: baselines.pca(IMAGES[:0], IMAGES, 2), "give .N, C, H, W."),
        (lambda: baselines.pca(IMAGES.int(), IMAGES, 2), "uint8 or float"),
        (lambda: baselines.pca(IMAGES, IMAGES[..., :5], 2), "resize one"),
        (lambda: baselines.pca(IMAGES, IMAGES, -1), "use dim >= 0"),
        (lambda: baselines.patch_pca(IMAGES, IMAGES, 0, 1), "use patch >= 1"),
        (lambda: baselines.patch_pca(IMAGES, IMAGES, 2, 0), "use channels >= 1"),
        (lambda: baselines.pool_and_resize(IMAGES, 0, "nearest"), "use factor >= 1"),
        (lambda: baselines.pool_and_resize(IMAGES, 2, "linear"), "use 'nearest' or 'bicubic'"),
        (lambda: baselines.noisy_input(IMAGES[:3], IMAGES), "in pairs"),
        (lambda: baselines.wiener(IMAGES, IMAGES, IMAGES, -0.1), "standard deviation"),
        (lambda: baselines.wiener_expected(IMAGES, 0.1, -1), "use rank >= 0"),
        (lambda: baselines.wiener_clipped(IMAGES, IMAGES[:3], IMAGES, 0.1), "in pairs"),
        (lambda: baselines.wiener_curve(IMAGES, IMAGES[:3], IMAGES, IMAGES, IMAGES, 0.1), "in pairs"),
        (lambda: baselines.affine_denoiser(IMAGES[:3], IMAGES, IMAGES, IMAGES), "in pairs"),
        (lambda: baselines.affine_denoiser(*[torch.zeros(1).expand(4097, 1, 4097, 1)] * 4), "give fewer"),
        (lambda: baselines.bce_entropy(IMAGES.float()), "scale them to"),
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
def test_compute_baselines_refuses_what_does_not_fit(change, cure):
    good = {"train": IMAGES, "test": IMAGES, "code_size": 8, "code_shape": (2, 2, 2), "factor_total": 3}
    baselines.compute_baselines(**good)
    with pytest.raises(ValueError, match=cure):
        baselines.compute_baselines(**{**good, **change})
