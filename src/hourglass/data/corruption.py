"""Corruptions: clean images (N, C, H, W) in [0, 1] and one key per image -> corrupted images of the same shape.

Parameters are in pixel units; draws are per element (pixel and channel) unless a docstring says otherwise. A corruption
is a pure function of (images, key): a whole batch is corrupted at once, on the device where it lies, and an image in
the same way in any batch. `clip` cuts the result to [0, 1]; the closed forms in the docstrings, the mean squared error
against x, hold without it. Only noise that is additive and independent of the signal has a `std`, which the Wiener
baseline needs. One that removes pixels names them: `mask(x, key)`, (N, 1 or C, H, W) bool, True where it did.
"""

import math

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

    def mask(self, x: Tensor, key: Tensor) -> Tensor:
        return noise.uniform(key, tuple(x.shape[1:]), "masking") < self.p

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x * ~self.mask(x, key)


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

    def mask(self, x: Tensor, key: Tensor) -> Tensor:
        u = noise.uniform(key, (2, self.count, 1), "block")  # (N, axis, count, 1)
        inside = []
        for axis, n in enumerate(x.shape[-2:]):
            first = (u[:, axis] * (max(n - self.size, 0) + 1)).floor()
            at = torch.arange(n, device=x.device)
            inside.append((at >= first) & (at < first + self.size))  # (N, count, n)
        return (inside[0][..., :, None] & inside[1][..., None, :]).any(1, keepdim=True)

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return torch.where(self.mask(x, key), self.value, x)


class Patches:
    """Of the patches of `size`×`size` pixels round(share·patches) become 0 in all channels, at random.

    The patches lie side by side from the upper left corner; those at the right and the bottom may be smaller. MSE
    share·E[x²] where they are not. He et al. 2022 (masked autoencoders, share 0.75).
    """

    def __init__(self, *, size: Count, share: Probability) -> None:
        self.size, self.share = size, share

    def mask(self, x: Tensor, key: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        grid = (math.ceil(height / self.size), math.ceil(width / self.size))
        u = noise.uniform(key, (math.prod(grid),), "patches")
        rank = u.argsort(dim=1, stable=True).argsort(dim=1)  # a permutation for each image
        removed = (rank < round(self.share * math.prod(grid))).view(-1, 1, *grid)
        return removed.repeat_interleave(self.size, 2).repeat_interleave(self.size, 3)[..., :height, :width]

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x * ~self.mask(x, key)
