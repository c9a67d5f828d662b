"""Codes without a network: against scipy's entropy, Pillow's files, and what must hold of any curve."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import entropy
from torch import Tensor

from helpers.images import gaussian_images, smooth_images
from hourglass.metrics import baselines
from hourglass.metrics.baselines import rates


def small_digits(digits: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    train, test = (images[:count, :, 8:20, 8:20] for images, count in zip(digits, (600, 200), strict=True))
    return train, test


def test_the_rate_of_pca_is_that_of_scipy(digits):
    """Cross-entropy of each coefficient = entropy of the test symbols + their KL divergence from the training ones."""
    train, test = (images.flatten(1).numpy() / 255 for images in small_digits(digits))
    mean = train.mean(0)
    variances, axes = np.linalg.eigh(np.cov(train.T, bias=True))
    axes = axes[:, variances > 1e-12]
    curve = baselines.pca_rates(*small_digits(digits))
    assert len(curve) == len(rates.STEPS)
    for step, (rate, error) in zip(rates.STEPS[4::5], curve[4::5], strict=True):
        known, codes = (np.round((x - mean) @ axes / step) for x in (train, test))
        codes = np.clip(codes, known.min(0), known.max(0))
        bits = 0.0
        for of_train, of_test in zip(known.T, codes.T, strict=True):
            edges = np.arange(of_train.min(), of_train.max() + 2) - 0.5
            p, q = (np.histogram(of, edges)[0] for of in (of_test, of_train))
            bits += entropy(p, base=2) + entropy(p, q + 0.5, base=2)
        assert rate == pytest.approx(bits / 144, rel=1e-9)
        assert error == pytest.approx(np.square(mean + step * codes @ axes.T - test).mean(), rel=1e-9)


def test_the_curve_of_pca_falls_from_the_mean_image_to_the_error_of_rounding(digits):
    train, test = small_digits(digits)
    rate, error = np.array(baselines.pca_rates(train, test)).T
    assert (rate[:2] == 0).all()  # no coefficient is as large as half such a step
    assert (np.diff(rate[1:]) > 0).all()
    assert (np.diff(error[1:]) < 0).all()
    assert error[-1] > rates.STEPS[-1] ** 2 / 12 * 0.9  # and more: of what no training image has
    narrow = (images / 100 + 0.5 for images in (gaussian_images(100, 0)[0], gaussian_images(20, 1)[0]))
    train, test = narrow
    assert baselines.pca_rates(train, test)[0] == [0.0, pytest.approx(baselines.mean_image(train, test))]


def test_directions_in_which_the_training_images_do_not_vary_are_lost():
    train, test = smooth_images(5, (1, 6, 6)), smooth_images(8, (1, 6, 6), seed=1)
    assert baselines.pca_rates(train, test)[-1][1] > baselines.pca(train, test, 4) > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_the_rate_of_jpeg_is_the_size_of_pillow_s_files_without_what_is_in_each(channels):
    images = smooth_images(5, (channels, 24, 17))
    for quality, (rate, error) in zip(rates.QUALITIES, baselines.jpeg_rates(images), strict=True):
        sizes, errors, headers = [], [], set()
        for image in images.numpy():
            pixels = image[0] if channels == 1 else image.transpose(1, 2, 0)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=quality)
            at = 2  # behind the start of the image, segment by segment: FF, marker, length
            content = file.getvalue()
            while content[at + 1] != 0xDA:
                at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
            headers.add(content[:at])
            sizes.append(8 * (len(content) - at) / (24 * 17))
            errors.append(np.square(np.asarray(Image.open(file), float) - pixels).mean() / 255**2)
        assert len(headers) == 1
        assert rate == pytest.approx(np.mean(sizes), rel=1e-12)
        assert error == pytest.approx(np.mean(errors), rel=1e-9)


def test_float_images_are_coded_as_8_bits_and_held_against_what_they_are():
    images = smooth_images(3, (1, 16, 16))
    assert baselines.jpeg_rates(images / 255) == [pytest.approx(point) for point in baselines.jpeg_rates(images)]
    between = (images.double() + 0.4) / 255.4
    assert baselines.jpeg_rates(between)[-1][1] > 0


def test_only_the_first_images_are_coded(monkeypatch):
    train, test = smooth_images(9, (1, 6, 6)), smooth_images(7, (1, 6, 6), seed=1)
    monkeypatch.setattr(rates, "VALUES", 4 * 36 + 1)
    assert baselines.jpeg_rates(test) == baselines.jpeg_rates(test[:4])
    assert baselines.pca_rates(train, test) == baselines.pca_rates(train, test[:4])


def test_curves_are_left_out_where_there_are_none_and_kept_where_there_are(tmp_path, monkeypatch, caplog):
    train, test = smooth_images(9, (1, 6, 6)), smooth_images(7, (1, 6, 6), seed=1)
    curves = baselines.rate_curves(train, test, cache=tmp_path)
    assert curves == {"pca": baselines.pca_rates(train, test), "jpeg": baselines.jpeg_rates(test)}
    monkeypatch.setattr("hourglass.metrics.baselines.jpeg_rates", None)
    monkeypatch.setattr("hourglass.metrics.baselines.pca_rates", baselines.pca_rates)
    assert list(baselines.rate_curves(torch.cat([train, train], 1), torch.cat([test, test], 1))) == ["pca"]
    monkeypatch.undo()
    monkeypatch.setattr(baselines, "EXACT_LIMIT", 8)
    assert list(baselines.rate_curves(train, test)) == ["jpeg"]
    monkeypatch.undo()
    for path in tmp_path.iterdir():
        path.write_text('{"value": [[1.0, 2.0, 3.0]]}', encoding="utf-8")
    assert baselines.rate_curves(train, test, cache=tmp_path) == curves
    assert "computing it again" in caplog.text
