"""The linear Wiener filter and a curve behind it, the same for every pixel: the least that a denoiser must beat."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hourglass.metrics.baselines.linear import wiener_filter
from hourglass.metrics.baselines.pixels import blocks, check_images, check_pairs, mean_squared_error

BINS = 40
"""Of a curve: its knots, each from equally many pixels."""


def wiener_clipped(train_clean: Tensor, test_corrupted: Tensor, test_clean: Tensor, noise_std: float) -> float:
    """`wiener` with its answers clipped to [0, 1], where all pixels lie."""
    check_images(train_clean, test_clean)
    check_pairs(test_corrupted, test_clean)
    answers = wiener_filter(train_clean, noise_std)(test_corrupted)
    return mean_squared_error((answer.clamp(0, 1) for answer in answers), test_clean.flatten(1))


def wiener_curve(
    train_clean: Tensor,
    val_corrupted: Tensor,
    val_clean: Tensor,
    test_corrupted: Tensor,
    test_clean: Tensor,
    noise_std: float,
) -> float:
    """`wiener`, and behind it the curve E[pixel | answer], fitted on the validation images.

    The filter knows the images by their covariance alone; the curve knows the distribution of a pixel, such as that
    most are black or white. It is linear between `BINS` knots, the means of as many equally large groups of pixels.
    """
    check_images(train_clean, val_clean, test_clean)
    check_pairs(val_corrupted, val_clean)
    check_pairs(test_corrupted, test_clean)
    denoised = wiener_filter(train_clean, noise_std)
    curve = fitted(torch.cat(list(denoised(val_corrupted))), torch.cat(list(blocks(val_clean.flatten(1)))))
    return mean_squared_error((curve(answer) for answer in denoised(test_corrupted)), test_clean.flatten(1))


class Curve(NamedTuple):
    """Linear between its knots and constant beyond them."""

    answers: np.ndarray
    """(K,), rising"""
    pixels: np.ndarray
    """(K,)"""

    def __call__(self, answer: Tensor) -> Tensor:
        return torch.from_numpy(np.interp(answer.numpy(), self.answers, self.pixels))


def fitted(answers: Tensor, pixels: Tensor) -> Curve:
    """The mean pixel over the mean answer of `BINS` groups of pixels, of float64 tensors of one shape."""
    x, y = answers.flatten().numpy(), pixels.flatten().numpy()
    edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1]))
    group = np.searchsorted(edges, x, side="right")
    count = np.bincount(group, minlength=len(edges) + 1)
    means = [np.bincount(group, values, len(edges) + 1)[count > 0] / count[count > 0] for values in (x, y)]
    return Curve(*means)
