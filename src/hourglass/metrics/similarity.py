"""Structural similarity of images (N, C, H, W) in [0, 1], differentiable: a value of each image, (N,), of their dtype.

Computed in float64, which autocast and TF32 leave alone: variances here are small differences of large means.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.core.types import Shape

WINDOW, SIGMA = 11, 1.5
"""The Gaussian window: its side, and its standard deviation; pixels."""
C1, C2 = 0.01**2, 0.03**2
BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales of MS-SSIM, finest first: Wang, Simoncelli & Bovik 2003."""


def ssim(pixels: Tensor, target: Tensor, *, reflected: bool = False) -> Tensor:
    """The mean of luminance · contrast over the windows that lie inside the image. Source: Wang et al. 2004.

    `reflected`: over a window around every pixel, with the image reflected at its border. That is the one to train
    with, for inside the image the pixels at the border belong to few windows, and those in the corners to one.
    """
    luminance, contrast = _maps(pixels.double(), target.double())
    similarity = luminance * contrast
    return (similarity if reflected else _inside(similarity)).flatten(1).mean(1).to(pixels.dtype)


def scales(image_shape: Shape) -> tuple[float, ...]:
    """The weights of MS-SSIM on images of this shape: as many scales, of 5, as keep a side of 11 pixels, at least one.

    From 176 pixels on all of them; with fewer, the weights that remain are scaled to a sum of 1.
    """
    n = sum(min(image_shape[1:]) >= WINDOW * 2**i for i in range(len(BETAS))) or 1
    return tuple(beta / sum(BETAS[:n]) for beta in BETAS[:n])


def ms_ssim(pixels: Tensor, target: Tensor) -> Tensor:
    """Multi-scale SSIM: contrast at every scale, luminance at the coarsest, weighted by `scales`.

    The coarsest scale counts the reflected border too, as in torchmetrics; the others lie inside.
    A scale at which the images are anticorrelated counts as 1e-6, where the power below 1 still has a finite gradient.
    """
    x, y = pixels.double(), target.double()
    *finer, coarsest = scales(tuple(target.shape[1:]))
    product = x.new_ones(len(x))
    for weight in finer:
        _, contrast = _maps(x, y)
        product = product * _inside(contrast).flatten(1).mean(1).clamp(min=1e-6) ** weight
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return (product * ssim(x, y, reflected=True).clamp(min=1e-6) ** coarsest).to(pixels.dtype)


def _maps(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast (with structure) of the window around each pixel, (N, C, H, W) both."""
    rows, columns = (_averages(n, _window(min(x.shape[-2:]), x)) for n in x.shape[-2:])
    mean_x, mean_y, mean_squares, mean_product = (rows @ z @ columns.T for z in (x, y, x * x + y * y, x * y))
    squares, product = mean_x * mean_x + mean_y * mean_y, mean_x * mean_y
    contrast = (2 * (mean_product - product) + C2) / (mean_squares - squares + C2)
    return (2 * product + C1) / (squares + C1), contrast


def _inside(windows: Tensor) -> Tensor:
    """Of a value for the window around each pixel, (N, C, H, W), those whose windows lie inside the image."""
    height, width = windows.shape[-2:]
    border = len(_window(min(height, width), windows)) // 2
    return windows[..., border : height - border, border : width - border]


def _window(side: int, like: Tensor) -> Tensor:
    """The weights along an axis, (odd,): of the Gaussian, or, on a tiny image, equal ones, as many as it holds."""
    if side < WINDOW:
        count = max(side - (side + 1) % 2, 1)
        return like.new_full((count,), 1 / count)
    offsets = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    return (-offsets.square() / (2 * SIGMA**2)).softmax(0)


def _averages(n: int, window: Tensor) -> Tensor:
    """(n, n): times n pixels it is their weighted mean around each, reflected at both ends."""
    border = len(window) // 2
    pixels = F.pad(torch.eye(n, dtype=window.dtype, device=window.device), (border, border), mode="reflect")
    return (pixels.unfold(1, len(window), 1) @ window).T
