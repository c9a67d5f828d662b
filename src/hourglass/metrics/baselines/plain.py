"""Baselines without anything to fit."""

import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.metrics.baselines.pixels import (
    blocks,
    check_count,
    check_images,
    check_pairs,
    check_range,
    mean_squared_error,
)


def pool_and_resize(test: Tensor, factor: int, mode: str) -> float:
    """Average-pool by `factor` to (ceil(H/f), ceil(W/f)), then `mode` ("nearest" or "bicubic") back, cropped to (H, W).

    Edge cells average real pixels only. Bicubic is torch's (a = -0.75, align_corners=False), not clipped to [0, 1].
    """
    check_images(test)
    check_count("factor", factor, 1)
    if mode not in ("nearest", "bicubic"):
        raise ValueError(f"mode={mode!r} is unknown: use 'nearest' or 'bicubic'")
    height, width = test.shape[2:]
    error = 0.0
    for clean in blocks(test):
        small = F.avg_pool2d(clean, factor, ceil_mode=True)
        big = F.interpolate(small, scale_factor=float(factor), mode=mode)[..., :height, :width]
        error += (big - clean).square().sum().item()
    return error / test.numel()


def noisy_input(corrupted: Tensor, clean: Tensor) -> float:
    """The error of doing nothing."""
    check_pairs(corrupted, clean)
    return mean_squared_error(blocks(corrupted), clean)


def bce_entropy(test: Tensor) -> float:
    """Mean of BCE(x, x) = -x log x - (1-x) log(1-x), nats per pixel: no BCE is lower, and grey targets make it > 0."""
    check_images(test)
    check_range(test)
    total = 0.0
    for x in blocks(test):
        total += (torch.special.entr(x) + torch.special.entr(1 - x)).sum().item()
    return total / test.numel()
