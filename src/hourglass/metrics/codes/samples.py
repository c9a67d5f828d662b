"""Samples held against real images, without a network that was trained elsewhere.

Images are (N, P) rows of pixels in [0, 1]. Neither number can be compared with a published FID.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from hourglass.metrics.codes import principal_components

COPY = 0.01
"""Share of the test images that are as near to a training image as what counts as a copy"""


def frechet_of_gaussians(mean: np.ndarray, covariance: np.ndarray, mean2: np.ndarray, covariance2: np.ndarray) -> float:
    """|m - m₂|² + tr(C + C₂ - 2(C C₂)^½): the squared 2-Wasserstein distance. Source: Dowson & Landau 1982."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariance2 @ root).clip(0)).sum()  # C C₂ has these eigenvalues too
    return float(((mean - mean2) ** 2).sum() + np.trace(covariance) + np.trace(covariance2) - 2 * cross)


def frechet(rows: np.ndarray, others: np.ndarray) -> float:
    """Of the Gaussians of mean and covariance of (n, d) and (m, d); too large for few rows, even of one kind."""
    one, two = ((some.mean(0), np.atleast_2d(np.cov(some.T))) for some in (rows, others))
    return frechet_of_gaussians(*one, *two)


def nearest(images: Tensor, others: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """(N, P) float64 -> (mean squared error of a pixel to the nearest of the others, its position), (N,) each.

    The others come in chunks (n, P), whose positions are counted on.
    """
    best, where, at = torch.full((len(images),), torch.inf, dtype=torch.float64), torch.zeros(len(images)).long(), 0
    for chunk in others:
        near, place = torch.cdist(images, chunk.double()).min(1)
        where = torch.where(near < best, place + at, where)
        best, at = torch.minimum(best, near), at + len(chunk)
    return best.square() / images.shape[1], where


def held_against(samples: int, tests: int) -> int:
    """How many samples have a Fréchet distance to as many test images, where as many others are to give its bias."""
    return min(samples, tests // 2)


def compared(
    samples: Tensor, near: Tensor, train: Tensor, test: Tensor, near_test: Tensor, dims: int
) -> dict[str, float]:
    """What samples (n, P) are like; `near`, `near_test`: MSE to the nearest training image, of samples and test images.

    `nearest`, `nearest_test`: means of these. `copies`: share of samples that are nearer than all but 1 % of the test
    images; 1 % is what chance gives. `frechet_pca`: Fréchet distance of samples and test images, in the `dims`
    principal components of train, in squared units of a pixel. `frechet_pca_bias`: of as many other test images and the
    same ones, the least that can be hoped for. Of each there are `held_against`.
    """
    n = held_against(len(samples), len(test))
    pca = principal_components(train.double().numpy(), dims)
    drawn, real, others = (pca.of(rows.double().numpy()) for rows in (samples[:n], test[:n], test[n : 2 * n]))
    return {
        "nearest": float(near.mean()),
        "nearest_test": float(near_test.mean()),
        "copies": float((near < near_test.quantile(COPY)).double().mean()),
        "frechet_pca": frechet(drawn, real),
        "frechet_pca_bias": frechet(others, real),
    }
