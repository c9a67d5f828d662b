"""Drawing: text, fields of numbers as squares, lines as stairs; with Pillow alone, so that equal numbers look equal."""

from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

Colour = tuple[int, int, int]
Point = tuple[float, float]

INK, PALE, RULE = (31, 35, 40), (101, 109, 118), (208, 215, 222)
LINES: tuple[Colour, Colour] = ((84, 160, 240), (196, 80, 0))

SIGNED = ((33, 75, 158), (124, 165, 219), (255, 255, 255), (233, 140, 112), (170, 24, 40))
"""-1 to 1, white at 0: red is above, blue below, as in the pictures of errors."""
AMOUNT = ((255, 255, 255), (207, 224, 222), (136, 187, 184), (61, 137, 138), (9, 81, 90))
"""0 to 1"""
POWER = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""0 to 1; after matplotlib's viridis"""

SUPERSAMPLING = 4


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def coloured(values: Tensor, low: float, high: float, scale: tuple[Colour, ...]) -> np.ndarray:
    """(H, W) -> (H, W, 3) bytes; `scale` is spread evenly from low to high, values outside get its ends."""
    at = ((values.numpy() - low) / (high - low)).clip(0, 1) * (len(scale) - 1)
    anchors = np.arange(len(scale))
    channels = [np.interp(at, anchors, [colour[c] for colour in scale]) for c in range(3)]
    return np.stack(channels, -1).round().astype(np.uint8)


class Canvas:
    """A white picture. `lettered` are the boxes that hold text: fonts differ between machines, numbers do not."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.lettered: list[tuple[float, float, float, float]] = []

    def text(self, at: Point, text: str, size: int = 24, anchor: str = "ls", fill: Colour = INK) -> None:
        self.draw.text(at, text, font=font(size), fill=fill, anchor=anchor)
        self.lettered.append(self.draw.textbbox(at, text, font=font(size), anchor=anchor))

    def frame(self, left: int, top: int, width: int, height: int) -> None:
        self.draw.rectangle((left - 1, top - 1, left + width, top + height), outline=RULE)

    def squares(self, left: int, top: int, side: int, pixels: np.ndarray) -> None:
        """(n, n, 3) bytes; n divides `side`."""
        picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
        self.image.paste(picture, (left, top))
        self.frame(left, top, side, side)

    def counts(self, left: int, top: int, side: int, values: Tensor, pixels: np.ndarray) -> None:
        """As `squares`, with the number in each."""
        self.squares(left, top, side, pixels)
        cell = side / len(values)
        for i, row in enumerate(values.tolist()):
            for j, value in enumerate(row):
                fill = INK if pixels[i, j].mean() > 120 else (255, 255, 255)
                text = f"{value:.0f}" if value == round(value) else f"{value:.1f}"
                self.text((left + (j + 0.5) * cell, top + (i + 0.5) * cell), text, round(0.4 * cell), "mm", fill)

    def rings(self, left: int, top: int, radius: float, centres: list[Point]) -> None:
        for x, y in centres:
            box = (left + x - radius, top + y - radius, left + x + radius, top + y + radius)
            self.draw.ellipse(box, outline=(255, 255, 255), width=2)

    def stairs(self, left: int, top: int, side: int, values: Tensor, reach: float) -> None:
        """(lines, n) values, one colour a line, from -reach at the bottom to reach at the top."""
        big = side * SUPERSAMPLING
        panel = Image.new("RGB", (big, big), "white")
        draw = ImageDraw.Draw(panel)
        for level in torch.arange(-int(reach), int(reach) + 1).tolist():
            y = (1 - level / reach) * big / 2
            draw.line((0, y, big, y), fill=PALE if level == 0 else RULE, width=SUPERSAMPLING)
        # the first is wider, so that it shows where the second lies on it
        for line, colour, width in zip(values.clamp(-reach, reach).tolist(), LINES, (7, 3), strict=True):
            step = big / len(line)
            heights = [(1 - value / reach) * big / 2 for value in line]
            points = [(x, y) for i, y in enumerate(heights) for x in (i * step, (i + 1) * step)]
            draw.line(points, fill=colour, width=width * SUPERSAMPLING, joint="curve")
        self.image.paste(panel.resize((side, side), Image.Resampling.BOX), (left, top))
        self.frame(left, top, side, side)

    def scale(self, left: int, top: int, width: int, scale: tuple[Colour, ...], labels: tuple[str, str, str]) -> None:
        """A legend: the colours from left to right, labels at the ends and in the middle."""
        values = torch.linspace(0, 1, width)[None].expand(16, -1)
        self.image.paste(Image.fromarray(coloured(values, 0, 1, scale)), (left, top))
        self.frame(left, top, width, 16)
        for x, label, anchor in zip((0, width / 2, width), labels, ("ls", "ms", "rs"), strict=True):
            self.text((left + x, top + 40), label, 21, anchor, PALE)
