"""Pictures as people look at them: labelled grids, every pixel a visible square, one fixed scale."""

import math

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from hourglass.core import colours
from hourglass.core.colours import GAP, LEAST_SIDE


def signed_colours(error: Tensor) -> Tensor:
    """(N, C, H, W) error -> (N, 3, H, W): the mean over channels in the colours of `hourglass.core.colours`."""
    return torch.cat(colours.signed_colours(error.mean(1, keepdim=True)), 1)


def comparison(images: Tensor, corrupted: Tensor, reconstruction: Tensor) -> dict[str, Tensor]:
    """The rows of the image grid, each (N, C, H, W), with their labels; `corrupted` where the images were."""
    noisy = {} if torch.equal(images, corrupted) else {"corrupted": corrupted}
    return {"input": images} | noisy | {"reconstruction": reconstruction} | error_row(reconstruction - images)


def error_row(error: Tensor) -> dict[str, Tensor]:
    """The row of the errors (N, C, H, W), by the label that tells their scale and what the colours mean."""
    return {f"error ±{colours.ERROR_SCALE}\nred: too bright\nblue: too dark": signed_colours(error)}


def grid(rows: dict[str, Tensor]) -> Image.Image:
    """Rows of images (N, C, H, W) in [0, 1] with a label each; values outside are cut, small images enlarged."""
    first = next(iter(rows.values()))
    height, width = first.shape[-2:]
    zoom = max(1, math.ceil(LEAST_SIDE / min(height, width)))
    font = ImageFont.load_default(size=13)
    lines = [line for label in rows for line in label.split("\n")]
    margin = max((math.ceil(font.getlength(line)) for line in lines), default=0) + 12
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


def to_pil(images: Tensor) -> list[Image.Image]:
    """(N, C, H, W) in [0, 1]; one channel is grey, three are colour, of any other number the first is shown."""
    if images.shape[1] != 3:
        images = images[:, :1].expand(-1, 3, -1, -1)
    pixels = images.detach().float().clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(image) for image in pixels]
