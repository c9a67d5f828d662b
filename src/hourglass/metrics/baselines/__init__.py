"""Exact optima and trivial answers, to hold every result against.

Images are (N, C, H, W), uint8 in 0..255 or float in [0, 1]; every value is a mean over pixels and channels in the units
of [0, 1] (nats for `bce_entropy`, nats an image for `ppca`). The arithmetic is float64 on the CPU, in blocks of images.
An optimum is one on the *training* images; on test images another network may generalise better.
"""

import logging
from math import ceil, isfinite
from pathlib import Path

from torch import Tensor

from hourglass.metrics.baselines.cache import cached
from hourglass.metrics.baselines.linear import (
    EXACT_LIMIT,
    affine_denoiser,
    mean_image,
    patch_pca,
    pca,
    pca_angles,
    ppca,
    wiener,
    wiener_expected,
    work,
)
from hourglass.metrics.baselines.pixels import check_images, check_range
from hourglass.metrics.baselines.plain import bce_entropy, noisy_input, pool_and_resize
from hourglass.metrics.baselines.pointwise import wiener_clipped, wiener_curve
from hourglass.metrics.baselines.rates import Curve, as_curve, jpeg_rates, pca_rates

__all__ = [
    "EXACT_LIMIT",
    "affine_denoiser",
    "bce_entropy",
    "cached",
    "compute_baselines",
    "is_bounded",
    "jpeg_rates",
    "mean_image",
    "noisy_input",
    "patch_pca",
    "pca",
    "pca_angles",
    "pca_rates",
    "pool_and_resize",
    "ppca",
    "rate_curves",
    "wiener",
    "wiener_clipped",
    "wiener_curve",
    "wiener_expected",
]  # fmt: skip
log = logging.getLogger(__name__)
MOST_WORK = 6e11
"""Multiply-adds of the largest decomposition: some 20 s on two cores."""
SOME_WORK = 1e11
"""From which on it is announced."""
MANY_PIXELS = 10**8
"""So many take more than 3 s to read through a few times."""


def is_bounded(name: str, images: Tensor, dim: int) -> bool:
    """Is a decomposition of these images within `MOST_WORK`? Says so where it is not, or takes more than a moment."""
    count, pixels, needed = len(images), images[0].numel(), work(images, dim)
    of_what = f"of {count:,} images of {pixels:,} pixels"
    if needed > MOST_WORK:
        log.info("baseline %s is left out: %s it takes too much work (%.0e multiply-adds)", name, of_what, needed)
    elif needed > SOME_WORK:
        log.info("baseline %s %s: some %.0f s, once", name, of_what, needed / MOST_WORK * 20)
    return needed <= MOST_WORK


def compute_baselines(
    train: Tensor,
    test: Tensor,
    *,
    code_size: int | None,
    code_shape: tuple[int, ...],
    factor_total: int | None,
    corrupted_train: Tensor | None = None,
    corrupted_test: Tensor | None = None,
    val: Tensor | None = None,
    corrupted_val: Tensor | None = None,
    noise_std: float | None = None,
    bce: bool = False,
    likelihood: bool = False,
    cache: str | Path | None = None,
) -> dict[str, float]:
    """All baselines that apply to a code of `code_size` values in the shape (C, h, w) or (D,); None: it is none of real
    numbers, and nothing that is is held against it.

    Always: mean_image, pca. Spatial code: patch_pca, pool_nearest, pool_bicubic on the grid of the code. Flat code
    (factor_total None): no patch_pca, and the finest pooled grid with at most code_size values, if there is one.
    What would return every image as it is cannot be beaten, and is left out: pca of as many values as there are pixels,
    patch_pca of as many as a patch has, and pooling by a factor of 1.
    With corrupted_test: noisy_input. With noise_std too, for additive Gaussian noise that was not clipped only: wiener
    (full rank), wiener_clipped, wiener_code (rank code_size), and with val and corrupted_val wiener_curve, what a
    denoiser must beat. With corrupted_train too: affine.
    Full-rank filters are left out where images and pixels are both more than 4096, and what takes more work than
    `MOST_WORK` is, with a line that says so. With bce: bce_entropy. With likelihood: ppca, where it is finite.
    `cache` is the folder for `cached`; None computes every time.
    """
    check_images(train, test)
    check_range(train)
    check_range(test)
    if corrupted_test is None and (noise_std is not None or corrupted_train is not None):
        raise ValueError("noise_std and corrupted_train need the corrupted test images: pass corrupted_test too")
    channels, height, width = test.shape[1:]
    if train.numel() > MANY_PIXELS:
        log.info("computing the baselines of %s images, once", f"{len(train):,}")
    baselines = {"mean_image": cached(cache, mean_image, train, test)}
    if code_size is not None and code_size < train[0].numel() and is_bounded("pca", train, code_size):
        baselines["pca"] = cached(cache, pca, train, test, code_size)
    factor = factor_total
    if factor is None and code_size is not None:
        sides = range(1, max(height, width) + 1)
        fits = (f for f in sides if channels * ceil(height / f) * ceil(width / f) <= code_size)
        factor = next(fits, None)
    elif factor is not None:
        grid = (ceil(height / factor), ceil(width / factor))
        if tuple(code_shape[1:]) != grid:
            raise ValueError(
                f"images {height}x{width} over factor_total={factor} make a grid {grid}, but code_shape={code_shape}: "
                "pass the total stride of the encoder, or factor_total=None for a flat code"
            )
        if code_shape[0] < channels * min(factor, height) * min(factor, width):
            baselines["patch_pca"] = cached(cache, patch_pca, train, test, factor, code_shape[0])
    if factor is not None and factor > 1:
        baselines["pool_nearest"] = cached(cache, pool_and_resize, test, factor, "nearest")
        baselines["pool_bicubic"] = cached(cache, pool_and_resize, test, factor, "bicubic")
    if corrupted_test is not None:
        exact = min(len(train), train[0].numel()) <= EXACT_LIMIT
        baselines["noisy_input"] = cached(cache, noisy_input, corrupted_test, test)
        if noise_std is not None:
            if exact and is_bounded("wiener", train, train[0].numel()):
                baselines["wiener"] = cached(cache, wiener, train, corrupted_test, test, noise_std)
                baselines["wiener_clipped"] = cached(cache, wiener_clipped, train, corrupted_test, test, noise_std)
                if val is not None and corrupted_val is not None:
                    pairs = (corrupted_val, val, corrupted_test, test)
                    baselines["wiener_curve"] = cached(cache, wiener_curve, train, *pairs, noise_std)
            if code_size is not None and is_bounded("wiener_code", train, code_size):
                baselines["wiener_code"] = cached(cache, wiener, train, corrupted_test, test, noise_std, code_size)
        if corrupted_train is not None and exact and is_bounded("affine", train, train[0].numel()):
            baselines["affine"] = cached(cache, affine_denoiser, corrupted_train, train, corrupted_test, test)
    if bce:
        baselines["bce_entropy"] = cached(cache, bce_entropy, test)
    if likelihood and code_size is not None and is_bounded("ppca", train, code_size):
        nats = cached(cache, ppca, train, test, code_size)
        baselines |= {"ppca": nats} if isfinite(nats) else {}
    return baselines


def rate_curves(train: Tensor, test: Tensor, *, cache: str | Path | None = None) -> dict[str, Curve]:
    """Rate against distortion of the test images: `pca`, where all its components can be computed, and `jpeg`, of grey
    and RGB images. `cache` is the folder for `cached`."""
    check_images(train, test)
    curves: dict[str, Curve] = {}
    pixels = train[0].numel()
    if min(len(train), pixels) <= EXACT_LIMIT and is_bounded("pca_rates", train, pixels):
        curves["pca"] = cached(cache, pca_rates, train, test, read=as_curve)
    if test.shape[1] in (1, 3):
        curves["jpeg"] = cached(cache, jpeg_rates, test, read=as_curve)
    return curves
