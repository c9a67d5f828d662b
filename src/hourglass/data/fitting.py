"""Pictures of any size, made one size."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor


def fitted(picture: Tensor, height: int, width: int, fit: Literal["crop", "resize"]) -> Tensor:
    """A picture (C, H, W) in [0, 1] -> (C, height, width), resized with antialiasing.

    `crop`: the largest central part of that aspect; `resize`: all of it, whatever its aspect becomes. Nothing is
    padded: a network would be judged on pixels that are not in the picture.
    """
    if fit == "crop":
        picture = _largest_of_aspect(picture, height, width)
    if picture.shape[1:] != (height, width):
        picture = F.interpolate(picture[None], (height, width), mode="bilinear", antialias=True)[0].clamp(0, 1)
    return picture


def _largest_of_aspect(picture: Tensor, height: int, width: int) -> Tensor:
    """The central part."""
    scale = min(picture.shape[1] / height, picture.shape[2] / width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (picture.shape[1] - h) // 2, (picture.shape[2] - w) // 2
    return picture[:, top : top + h, left : left + w]
