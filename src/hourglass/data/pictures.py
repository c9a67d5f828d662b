"""Pictures as people look at them: labelled grids, every pixel a visible square, one fixed scale."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from hourglass.core import colours
from hourglass.core.types import Size2d

GAP = 2
"""Pixels between the images of a grid"""


def signed_colours(error: Tensor) -> Tensor:
    """(N, C, H, W) error -> (N, 3, H, W): the mean over channels in the colours of `hourglass.core.colours`."""
    return torch.cat(colours.signed_colours(error.mean(1, keepdim=True)), 1)


def comparison(images: Tensor, corrupted: Tensor, reconstruction: Tensor) -> dict[str, Tensor]:
    """The four rows of the image grid, each (N, C, H, W), with their labels."""
    return {
        "input": images,
        "corrupted": corrupted,
        "reconstruction": reconstruction,
    } | error_row(reconstruction - images)


def error_row(error: Tensor) -> dict[str, Tensor]:
    """The row of the errors (N, C, H, W), by the label that tells their scale."""
    return {f"error ±{colours.ERROR_SCALE}": signed_colours(error)}


def grid(rows: dict[str, Tensor], least_side: int = 84) -> Image.Image:
    """Rows of images (N, C, H, W) in [0, 1] with a label each; values outside are cut, small images enlarged."""
    first = next(iter(rows.values()))
    height, width = first.shape[-2:]
    zoom, margin = _layout(list(rows), (height, width), least_side)
    font = ImageFont.load_default(size=13)
    cell_h, cell_w = height * zoom + GAP, width * zoom + GAP
    canvas = Image.new("RGB", (margin + len(first) * cell_w + GAP, len(rows) * cell_h + GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for r, (label, images) in enumerate(rows.items()):
        top = GAP + r * cell_h
        draw.text((6, top + height * zoom / 2), label, fill="black", font=font, anchor="lm")
        for i, image in enumerate(to_pil(images)):
            canvas.paste(
                image.resize((width * zoom, height * zoom), Image.Resampling.NEAREST), (margin + i * cell_w, top)
            )
    return canvas


def from_grid(canvas: Image.Image, labels: Sequence[str], size: Size2d, least_side: int = 84) -> dict[str, Tensor]:
    """The rows (N, 3, H, W), to 1/255, of a `grid` with these labels and images of this size.

    Raises ValueError where the picture is no such grid.
    """
    zoom, margin = _layout(labels, size, least_side)
    cell_h, cell_w = (n * zoom + GAP for n in size)
    count, rest = divmod(canvas.width - margin - GAP, cell_w)
    if count < 1 or rest or canvas.height != len(labels) * cell_h + GAP:
        raise ValueError(f"it is no grid of {len(labels)} rows of images of {size[0]}x{size[1]}")
    pixels = torch.from_numpy(np.array(canvas.convert("RGB"))).permute(2, 0, 1) / 255
    cells = pixels[:, GAP:, margin : margin + count * cell_w].unfold(1, cell_h, cell_h).unfold(2, cell_w, cell_w)
    small = cells[..., : size[0] * zoom : zoom, : size[1] * zoom : zoom]  # (3, rows, N, H, W)
    return dict(zip(labels, small.permute(1, 2, 0, 3, 4), strict=True))


def _layout(labels: Sequence[str], size: Size2d, least_side: int) -> tuple[int, int]:
    """How many times a grid shows images of this size enlarged, and the width of its labels."""
    font = ImageFont.load_default(size=13)
    margin = max((math.ceil(font.getlength(label)) for label in labels), default=0) + 12
    return max(1, math.ceil(least_side / min(size))), margin


def to_pil(images: Tensor) -> list[Image.Image]:
    """(N, C, H, W) in [0, 1]; one channel is grey, three are colour, of any other number the first is shown."""
    if images.shape[1] != 3:
        images = images[:, :1].expand(-1, 3, -1, -1)
    pixels = images.detach().float().clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(image) for image in pixels]
