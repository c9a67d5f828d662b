"""Images as blocks of float64, and the checks of what the baselines are given."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

BLOCK_SIZE = 2**23
"""Values in a block: 64 MiB of float64."""


def blocks(images: Tensor) -> Iterator[Tensor]:
    """Blocks of the first axis as float64 on the CPU, uint8 scaled to [0, 1]."""
    scale = 255 if images.dtype == torch.uint8 else 1
    for block in torch.split(images.detach(), max(1, BLOCK_SIZE // images[0].numel())):
        yield block.cpu().double() / scale


def mean_squared_error(answers: Iterable[Tensor], clean: Tensor) -> float:
    """Of a pixel; `answers` come in the blocks of `clean`, (N, …)."""
    pairs = zip(answers, blocks(clean), strict=True)
    return sum((answer - x).square().sum().item() for answer, x in pairs) / clean.numel()


def check_images(*images: Tensor) -> None:
    for x in images:
        if x.ndim != 4 or x.numel() == 0 or not (x.dtype == torch.uint8 or x.is_floating_point()):
            raise ValueError(f"{x.dtype} {tuple(x.shape)} are not images: give (N, C, H, W), uint8 or float in [0, 1]")
        if x.shape[1:] != images[0].shape[1:]:
            raise ValueError(f"images differ in shape, {tuple(images[0].shape)} and {tuple(x.shape)}: resize one")


def check_pairs(corrupted: Tensor, clean: Tensor) -> None:
    check_images(corrupted, clean)
    if len(corrupted) != len(clean):
        raise ValueError(f"{len(corrupted)} corrupted and {len(clean)} clean images: give them in pairs, in one order")


def check_range(images: Tensor) -> None:
    if images.is_floating_point() and not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(f"float images lie in [{images.min():g}, {images.max():g}]: scale them to [0, 1]")


def check_count(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name}={value} is too small: use {name} >= {least}")
