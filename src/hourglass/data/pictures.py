"""Pictures as people look at them: labelled grids, every pixel a visible square, one fixed scale."""

import math

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

ERROR_SCALE = 0.5
"""The error that gets the full colour; the same in every picture, so that two can be compared."""


def signed_colours(error: Tensor) -> Tensor:
    """(N, C, H, W) error -> (N, 3, H, W): white 0, red too bright, blue too dark, full colour at ±ERROR_SCALE."""
    e = (error.mean(1, keepdim=True) / ERROR_SCALE).clamp(-1, 1)
    red, blue = e.clamp(min=0), (-e).clamp(min=0)
    return torch.cat([1 - blue, 1 - red - blue, 1 - red], 1)


def comparison(images: Tensor, corrupted: Tensor, reconstruction: Tensor) -> dict[str, Tensor]:
    """The four rows of the image grid, each (N, C, H, W), with their labels."""
    return {
        "input": images,
        "corrupted": corrupted,
        "reconstruction": reconstruction,
        f"error ±{ERROR_SCALE}": signed_colours(reconstruction - images),
    }


def grid(rows: dict[str, Tensor], gap: int = 2, least_side: int = 84) -> Image.Image:
    """Rows of images (N, C, H, W) in [0, 1] with a label each; values outside are cut, small images enlarged."""
    first = next(iter(rows.values()))
    height, width = first.shape[-2:]
    zoom = max(1, math.ceil(least_side / min(height, width)))
    font = ImageFont.load_default(size=13)
    margin = max((math.ceil(font.getlength(label)) for label in rows), default=0) + 12
    cell_h, cell_w = height * zoom + gap, width * zoom + gap
    canvas = Image.new("RGB", (margin + len(first) * cell_w + gap, len(rows) * cell_h + gap), "white")
    draw = ImageDraw.Draw(canvas)
    for r, (label, images) in enumerate(rows.items()):
        top = gap + r * cell_h
        draw.text((6, top + height * zoom / 2), label, fill="black", font=font, anchor="lm")
        for i, image in enumerate(to_pil(images)):
            canvas.paste(
                image.resize((width * zoom, height * zoom), Image.Resampling.NEAREST), (margin + i * cell_w, top)
            )
    return canvas


def to_pil(images: Tensor) -> list[Image.Image]:
    """(N, C, H, W) in [0, 1]; one channel is grey, three are colour, of any other number the first is shown."""
    if images.shape[1] != 3:
        images = images[:, :1].expand(-1, 3, -1, -1)
    pixels = images.detach().float().clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(image) for image in pixels]
