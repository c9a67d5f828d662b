"""The test images of one run as strips of tiles, PNG in data URIs: input, output, error. No torch in here."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hourglass.core.colours import ERROR_SCALE, signed_colours

Pixels = NDArray[np.uint8]
Examples = Mapping[str, NDArray]
"""The arrays of `examples.npz`, as `hourglass.training.callbacks.Examples` describes them"""

SETS = {"same": "Same images", "worst": "Worst", "median": "Median", "best": "Best"}
BUDGET = 3_500_000
"""Bytes of base64 for all pictures of a page: images are left out beyond it, and the page says so."""
CHOICES = [(8, 4), (6, 3), (4, 2), (2, 1), (1, 1)]
"""How many of the same images, and of the worst, median and best each; the first choice within the budget is taken."""


@dataclass(frozen=True)
class Tiles:
    """Some test images of one run, side by side in one strip for each role."""

    index: list[int]
    mse: list[float]
    strips: dict[str, str]
    """Role (target, input, output, error) -> data URI"""
    width: int
    """Of one tile, pixels"""
    height: int


def tiles(examples: Examples, first: int, others: int) -> dict[str, Tiles]:
    """Set -> tiles; `first` of the images that every run keeps, `others` of the worst, the median and the best."""
    each = int(examples["each"])
    worst = len(examples["index"]) - 3 * each  # where the worst begin: behind those that every run keeps
    others = min(others, each)
    starts = {"worst": worst, "median": worst + each + (each - others) // 2, "best": worst + 3 * each - others}
    return {"same": _tiles(examples, slice(0, min(first, worst)))} | {
        name: _tiles(examples, slice(start, start + others)) for name, start in starts.items()
    }


def fitting(examples: Sequence[Examples]) -> tuple[int, int, int]:
    """(first, others, configurations) within the budget, from the weight of the first configuration's strips."""
    for first, others in CHOICES:
        weight = sum(len(uri) for kept in tiles(examples[0], first, others).values() for uri in kept.strips.values())
        if weight * len(examples) <= BUDGET:
            return first, others, len(examples)
    return *CHOICES[-1], max(1, BUDGET // weight)


def _tiles(examples: Examples, part: slice) -> Tiles:
    index = examples["index"][part]
    target, output = examples["target"][part], examples["output"][part]
    strips = {role: as_uri(_strip(images)) for role, images in {"target": target, "output": output}.items()}
    clean = np.array_equal(examples["input"][part], target)
    strips["input"] = strips["target"] if clean else as_uri(_strip(examples["input"][part]))
    strips["error"] = as_uri(_error_strip(target, output))
    mse = [float(error) for error in examples["mse"][index]]
    return Tiles([int(i) for i in index], mse, strips, width=target.shape[-1], height=target.shape[-2])


def _strip(images: Pixels) -> Image.Image:
    """(K, C, H, W) -> K·W × H; of a number of channels that is not 1 or 3 the first is shown."""
    shown = images if images.shape[1] == 3 else images[:, :1]
    row = np.concatenate(list(shown), axis=-1)  # (C, H, K·W)
    return Image.fromarray(np.ascontiguousarray(row.transpose(1, 2, 0)) if len(row) == 3 else row[0])


def _error_strip(target: Pixels, output: Pixels) -> Image.Image:
    """Output less target, the mean over channels, in the colours of `hourglass.core.colours`."""
    error = (output.astype(np.int16) - target).mean(1)  # (K, H, W), in 1/255
    level = np.clip(np.rint(error), LEVELS[0], LEVELS[-1]) - LEVELS[0]
    image = Image.fromarray(np.concatenate(list(level.astype(np.uint8)), axis=-1), "P")
    image.putpalette(PALETTE.tobytes())
    return image


LEVELS = np.arange(-128, 128)
"""Errors in 1/255 that a palette has a colour for; the ends stand for all beyond them."""
PALETTE = np.rint(255 * np.stack(signed_colours(np.r_[LEVELS[:-1] / 255, ERROR_SCALE]), axis=1)).astype(np.uint8)


def as_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
