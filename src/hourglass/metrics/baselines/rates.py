"""Rate against distortion without a network: PCA with quantised coefficients, and JPEG.

A curve is a list of [bits per pixel, MSE], the lowest rate first; a pixel is one of H·W places, whatever the channels.
"""

import io
import math
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hourglass.metrics.baselines.linear import principal_components
from hourglass.metrics.baselines.pixels import blocks, check_images, check_range

Curve = list[list[float]]
STEPS = tuple(2.0 ** (k / 2) for k in range(8, -11, -1))
"""Of the quantiser, from 16 down to 1/32: at the last the error of a coefficient is 8e-5."""
QUALITIES = (2, 5, 10, 20, 30, 45, 60, 75, 85, 90, 95)
"""Of JPEG: above 95 files grow and images hardly improve."""
VALUES = 2**22
"""So many are coded at each point: the first images, 5,349 of MNIST. More take long and tell little."""


def pca_rates(train: Tensor, test: Tensor) -> Curve:
    """A transform coder: all principal components, one uniform quantiser, an ideal static entropy coder for each.

    round(coefficient / step), limited to what occurs in the training codes, for each of `STEPS`. The rate is what
    arithmetic coding takes with the frequencies of the training codes: the mean over the test images of
    Σ_d -log2((n_d + 1/2) / (N + K_d / 2)), n_d of N codes with this symbol, K_d symbols from the least to the greatest
    (Krichevsky & Trofimov 1981). So it is a code that works, without side information, as are mean, components and
    frequencies; not the entropy of the test codes themselves, which few images make too low.
    """
    check_images(train, test)
    basis = principal_components(train, train[0].numel())
    train_rows, test_rows = first(train).flatten(1), first(test).flatten(1)
    known, codes = (
        torch.cat([(x - basis.mean) @ basis.vectors for x in blocks(rows)]) for rows in (train_rows, test_rows)
    )
    energy = sum((x - basis.mean).square().sum().item() for x in blocks(test_rows))
    outside = energy - codes.square().sum().item()  # of the directions in which train does not vary
    curve = []
    for step in STEPS:
        symbols = (known / step).round()
        low, high = symbols.amin(0), symbols.amax(0)
        quantised = (codes / step).round().clamp(low, high)
        bits = code_lengths((symbols - low).long(), (quantised - low).long(), (high - low).long() + 1)
        error = outside + (codes - step * quantised).square().sum().item()
        curve.append([bits / len(test_rows) / math.prod(test.shape[2:]), max(error, 0.0) / test_rows.numel()])
    return curve


def code_lengths(train: Tensor, test: Tensor, counts: Tensor) -> float:
    """Bits of all test symbols (M, D), each column by its frequencies among the train symbols (N, D); they are 0 up to
    counts (D,), exclusive."""
    start = counts.cumsum(0) - counts  # of each column in one long histogram
    seen = torch.bincount((train + start).flatten(), minlength=int(counts.sum()))
    of_all, of_each = len(train) + counts.double() / 2, seen[test + start].double() + 0.5
    return (of_all.log2() - of_each.log2()).sum().item()


def jpeg_rates(test: Tensor) -> Curve:
    """JPEG as Pillow writes it (baseline, 4:2:0 for colour), at each of `QUALITIES`; images are rounded to 8 bits.

    The rate is the bytes of the file without those before the scan, which are the same for every image of one size
    and quality: markers, quantisation and Huffman tables. They are most of the file of a small image.
    """
    check_images(test)
    check_range(test)
    images = first(test)
    pixels = np.moveaxis(torch.cat(list(blocks(images))).numpy(), 1, -1)  # (N, H, W, C), 0 to 1
    rounded = (255 * pixels).round().astype(np.uint8)
    curve = []
    for quality in QUALITIES:
        size, error = 0, 0.0
        for image, exact in zip(rounded, pixels, strict=True):
            file = io.BytesIO()
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(file, "jpeg", quality=quality)
            size += len(file.getvalue()) - header_bytes(file.getvalue())
            with Image.open(file) as decoded:
                error += float(np.square(np.asarray(decoded).reshape(exact.shape) / 255 - exact).sum())
        curve.append([8 * size / len(images) / math.prod(test.shape[2:]), error / images.numel()])
    return curve


def header_bytes(file: bytes) -> int:
    """Of a JPEG file with one scan, up to its entropy-coded data: there 0xFF is always followed by 0."""
    scan = file.rindex(b"\xff\xda") + 2
    return scan + int.from_bytes(file[scan : scan + 2], "big")


def first(images: Tensor) -> Tensor:
    """The first images, as many as have `VALUES` pixels together."""
    return images[: max(1, VALUES // images[0].numel())]


def as_curve(value: Any) -> Curve:
    """A curve as a file holds it; raises ValueError or TypeError where it is none."""
    curve = [[float(rate), float(error)] for rate, error in value]
    if not curve:
        raise ValueError("it has no points")
    return curve
