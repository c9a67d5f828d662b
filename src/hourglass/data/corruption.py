"""Corruptions: clean images (N, C, H, W) in [0, 1] and one key per image -> corrupted images of the same shape.

Parameters are in pixel units; draws are per element (pixel and channel) unless a docstring says otherwise. A corruption
is a pure function of (images, key): a whole batch is corrupted at once, on the device where it lies, and an image in
the same way in any batch. `clip` cuts the result to [0, 1]; the closed forms in the docstrings, the mean squared error
against x, hold without it. Only noise that is additive and independent of the signal has a `std`, which the Wiener
baseline needs.
"""

import torch
from torch import Tensor

from hourglass.core.types import Count, NonNegative, Probability
from hourglass.data import noise


class NoCorruption:
    """x"""

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x


class Gaussian:
    """x + std·N(0, 1); MSE std²."""

    def __init__(self, *, std: NonNegative, clip: bool) -> None:
        self.std, self.clip = std, clip

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        y = x + self.std * noise.normal(key, tuple(x.shape[1:]), "gaussian")
        return y.clamp(0, 1) if self.clip else y


class SaltAndPepper:
    """With probability p an element becomes 0 or 1 by a fair coin; MSE p·(E[x²] - E[x] + ½). Vincent et al. 2010."""

    def __init__(self, *, p: Probability) -> None:
        self.p = p

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        u = noise.uniform(key, tuple(x.shape[1:]), "salt_and_pepper")
        return torch.where(u < self.p, (u < self.p / 2).to(x.dtype), x)


class Masking:
    """With probability p an element becomes 0; the rest is not rescaled; MSE p·E[x²]. Vincent et al. 2010."""

    def __init__(self, *, p: Probability) -> None:
        self.p = p

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x * (noise.uniform(key, tuple(x.shape[1:]), "masking") >= self.p)


class Speckle:
    """x + x·std·N(0, 1); MSE std²·E[x²]. Hendrycks & Dietterich 2019."""

    def __init__(self, *, std: NonNegative, clip: bool) -> None:
        self.factor, self.clip = std, clip

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        y = x * (1 + self.factor * noise.normal(key, tuple(x.shape[1:]), "speckle"))
        return y.clamp(0, 1) if self.clip else y


class Block:
    """`count` squares of `size`×`size` pixels become `value` in all channels, placed uniformly and inside the image.

    A square larger than the image covers all of it. DeVries & Taylor 2017 ("cutout", there also across the border).
    """

    def __init__(self, *, size: Count, count: Count, value: Probability) -> None:
        self.size, self.count, self.value = size, count, value

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        u = noise.uniform(key, (2, self.count, 1), "block")  # (N, axis, count, 1)
        inside = []
        for axis, n in enumerate(x.shape[-2:]):
            first = (u[:, axis] * (max(n - self.size, 0) + 1)).floor()
            at = torch.arange(n, device=x.device)
            inside.append((at >= first) & (at < first + self.size))  # (N, count, n)
        covered = (inside[0][..., :, None] & inside[1][..., None, :]).any(1, keepdim=True)
        return torch.where(covered, self.value, x)
