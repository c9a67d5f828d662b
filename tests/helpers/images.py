"""Images with known statistics."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.data.sources import ASSETS

DIGITS = ASSETS / "mnist5k.npz"
ODD_SHAPES = [(1, 25, 25), (3, 33, 45), (1, 28, 28), (3, 2, 7)]


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


def white(n: int = 8, c: int = 1, size: tuple[int, int] = (28, 28)) -> Tensor:
    """White noise from the global generator, float64."""
    return torch.randn(n, c, *size, dtype=torch.float64)


def checkerboard(size: tuple[int, int] = (28, 28), period: int = 2) -> Tensor:
    """1 where i + j is a multiple of `period`, else -1; (1, 1, H, W)."""
    i, j = torch.arange(size[0]), torch.arange(size[1])
    return (1.0 - 2.0 * ((i[:, None] + j) % period != 0))[None, None].double()


def nearest(images: Tensor, factor: int) -> Tensor:
    return images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def pool_and_repeat(images: Tensor, factor: int = 2) -> Tensor:
    """A model with a grid of its own: average pooling, then nearest."""
    return nearest(F.avg_pool2d(images, factor), factor)
