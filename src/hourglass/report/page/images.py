"""Pictures of a run as PNG in data URIs: strips of test images, input, output and error; and those of its codes.

The latter lie in its folder as they are, which anybody may have made. No torch in here.
"""

import base64
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hourglass.core.colours import ERROR_SCALE, GAP, LEAST_SIDE, signed_colours
from hourglass.core.files import inside
from hourglass.core.text import first_line, printable
from hourglass.report.reading.run import Run

Pixels = NDArray[np.uint8]
Examples = Mapping[str, NDArray]
"""The arrays of `examples.npz`, as `hourglass.training.callbacks.Examples` describes them"""

SETS = {"same": "Same images", "worst": "Worst", "median": "Median", "best": "Best"}
BUDGET = 3_500_000
"""Bytes of base64 for all test images of a page, which says where it left some out; and for all pictures of codes."""
CHOICES = [(8, 4), (6, 3), (4, 2), (2, 1), (1, 1)]
"""How many of the same images, and of the worst, median and best each; the first choice within the budget is taken."""


LARGEST, MOST_PIXELS = 5_000_000, 20_000_000
"""Bytes and pixels of a picture that is read"""
MOST_FRAMES = 24
"""Epochs of a run; at 0, 1, 2, 4, 8, … 24 are 4 million"""
TITLES = {
    "interpolations": "From one test image to another, along a straight line between their codes",
    "traversals": "One number of the code at a time, from 2 standard deviations below its mean to 2 above it",
    "neighbours": "Test images, and below each those whose codes are nearest",
}


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


@dataclass(frozen=True)
class Frame:
    """What a run made of its first test images after an epoch."""

    epoch: int
    """0: untrained"""
    output: str
    error: str
    """Strips, as data URIs"""
    mse: list[str]


def frames(run: Run, examples: Examples, count: int) -> list[Frame]:
    """By epoch, from the pictures `images/reconstructions_epoch*.png`, those that show the first `count` images.

    Each is checked against these images, pixel by pixel: what shows others, or is drawn otherwise, is left out.
    """
    target, made = examples["target"][:count], []
    for path in sorted(run.folder.glob("images/reconstructions_epoch*.png"))[:MOST_FRAMES]:
        epoch = re.fullmatch(r"reconstructions_epoch(\d{4,9})", path.stem)
        output = reconstructed(run.folder, path, target) if epoch else None
        if epoch and output is not None:
            mse = np.square((output.astype(float) - target) / 255).mean((1, 2, 3))
            strips = as_uri(_strip(output)), as_uri(_error_strip(target, output))
            made.append(Frame(int(epoch[1]), *strips, [f"{value:.2g}" for value in mse]))
    return made


def reconstructed(folder: Path, path: Path, target: Pixels) -> Pixels | None:
    """(N, C, H, W): the last row but one of a picture as `hourglass.data.pictures.grid` draws it, if its first row is
    these images (N, C, H, W)."""
    try:
        image = _opened(folder, path)
    except UNREADABLE:
        return None
    pixels = np.asarray(image).transpose(2, 0, 1)[: 3 if target.shape[1] == 3 else 1]
    n, _, height, width = target.shape
    zoom = max(1, math.ceil(LEAST_SIDE / min(height, width)))
    rows, down, across = (image.height - GAP) / (height * zoom + GAP), height * zoom + GAP, width * zoom + GAP
    if rows not in (3, 4):
        return None

    def row(number: int, margin: int) -> Pixels:
        tops, lefts = GAP + number * down + zoom // 2, [margin + i * across + zoom // 2 for i in range(n)]
        return np.stack([pixels[:, tops : tops + height * zoom : zoom, x : x + width * zoom : zoom] for x in lefts])

    shown = target if target.shape[1] == 3 else target[:, :1]
    for columns in range(n, (image.width - GAP) // across + 1):
        margin = image.width - GAP - columns * across  # for the labels, as wide as they are
        if margin > 0 and np.array_equal(row(0, margin), shown):
            output = row(int(rows) - 2, margin)
            return output if target.shape[1] in (1, 3) else None
    return None


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


@dataclass(frozen=True)
class CodePicture:
    title: str
    uri: str
    """Empty where there is none"""
    reason: str
    """Why not"""


def code_pictures(runs: dict[int, Run]) -> dict[int, list[CodePicture]]:
    """Number of a configuration -> the pictures of its run, as many configurations as the budget allows, in order."""
    left, shown = BUDGET, dict[int, list[CodePicture]]()
    for number, run in runs.items():
        made = [_picture(run.folder, name, path) for name, path in run.code_pictures().items()]
        left -= sum(len(picture.uri) for picture in made)
        if left < 0:
            break
        if made:
            shown[number] = made
    return shown


def _picture(folder: Path, name: str, path: Path) -> CodePicture:
    sampler = re.sub("[^a-z]", "", name.removeprefix("samples_"))
    title = TITLES.get(name, f"Samples by {sampler}; in the second row, the training images nearest to the first")
    uri, reason = _read_picture(folder, path)
    return CodePicture(title, uri, str(printable(reason)))


UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What opening a picture raises; a SyntaxError comes from the parser of PNG"""


def _opened(folder: Path, path: Path) -> Image.Image:
    with Image.open(inside(path, folder, largest=LARGEST), formats=["PNG"]) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"it has more than {MOST_PIXELS:,} pixels")
        return image.convert("RGB")


def _read_picture(folder: Path, path: Path) -> tuple[str, str]:
    """(data URI of what is in the file, what is wrong with it)"""
    try:
        return as_uri(_opened(folder, path)), ""
    except UNREADABLE as error:
        return "", f"{path} cannot be shown: {first_line(error)}"
