"""Pictures of any size through an autoencoder of one size."""

import math
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.nn.autoencoder import Autoencoder
from hourglass.runs.evaluation.reconstruct_options import Fit

AT_ONCE = 64
"""Tiles in a batch."""


@torch.no_grad()
def fit_and_reconstruct(autoencoder: Autoencoder, picture: Tensor, fit: Fit) -> tuple[Tensor, Tensor]:
    """A picture (C, H, W) in [0, 1] -> what of it was reconstructed, and the reconstruction, of the same shape.

    Nothing is padded to fit the aspect: the network would be judged on pixels that are not in the picture.
    """
    height, width = autoencoder.image_shape[1:]
    if fit == "tile":
        return picture, _tiled(autoencoder, picture, height, width)
    picture = fitted(picture, height, width, fit)
    return picture, autoencoder(picture[None])[0]


def fitted(picture: Tensor, height: int, width: int, fit: Literal["crop", "resize"]) -> Tensor:
    """A picture (C, H, W) in [0, 1] as (C, height, width): all of it, or its largest central part of that aspect."""
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


def _tiled(autoencoder: Autoencoder, picture: Tensor, height: int, width: int) -> Tensor:
    """Side by side, without overlap, so that every pixel is the network's and no average of several.

    The last row and column of tiles are filled up with the picture's mirror image, which is cut off again.
    """
    channels, h, w = picture.shape
    rows, columns = math.ceil(h / height), math.ceil(w / width)
    room = ((0, 0), (0, rows * height - h), (0, columns * width - w))
    full = torch.from_numpy(np.pad(picture.cpu().numpy(), room, mode="symmetric")).to(picture.device)
    tiles = full.view(channels, rows, height, columns, width).permute(1, 3, 0, 2, 4).flatten(0, 1)
    done = torch.cat([autoencoder(batch) for batch in tiles.split(AT_ONCE)])
    whole = done.view(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return whole.reshape(channels, rows * height, columns * width)[:, :h, :w]
