"""Is a page of cards what would be written? Equal on any machine, where rounding and fonts differ."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from hourglass.report.cards.canvas import Canvas
from hourglass.report.cards.page import Files, pictures_and_texts

SHADE, FEW_PIXELS = 24, 100
"""Of 255: what is not seen as another colour; pixels that may have one all the same. A number is 196 or more."""

NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)(?![\w.])")


def stale(files: Files, folder: Path) -> list[str]:
    """What in the folder is not as it would be written, a line each; empty: up to date.

    Measured numbers in tables may differ by two units of their last digit and pixels by a shade: machines round
    differently. Lettering in pictures is not compared, for its shape is the font library's.
    """
    problems = [f"{path.name}: no operator has this" for path in pictures_and_texts(folder) if path.name not in files]
    for name, content in files.items():
        path = folder / name
        if not path.exists():
            problems.append(f"{name}: missing")
        elif isinstance(content, str):
            problems += [f"{name}: {difference}" for difference in _text_differences(path.read_text(), content)]
        elif not _same_picture(Image.open(path).convert("RGB"), content):
            problems.append(f"{name}: shows something else")
    return problems


def _text_differences(there: str, made: str) -> list[str]:
    """The first line that differs."""
    for n, (old, new) in enumerate(_padded(there.splitlines(), made.splitlines()), 1):
        if not _same_line(old, new):
            return [f"line {n} is\n    {old}\n  and would be\n    {new}"]
    return []


def _padded(a: list[str], b: list[str]) -> Iterable[tuple[str, str]]:
    length = max(len(a), len(b))
    return zip(a + ["(nothing)"] * (length - len(a)), b + ["(nothing)"] * (length - len(b)), strict=True)


def _same_line(old: str, new: str) -> bool:
    a, b = NUMBER.split(old), NUMBER.split(new)
    if a[::2] != b[::2] or not new.startswith("|"):
        return old == new
    return all(_same_number(x, y) for x, y in zip(a[1::2], b[1::2], strict=True))


def _same_number(x: str, y: str) -> bool:
    """Whole numbers are counts and exact zeros: equal; measured ones have decimals."""
    digits = len(y.partition(".")[2])
    return x == y or ("." in x and "." in y and abs(float(x) - float(y)) < 2.5 * 10**-digits)


def _same_picture(there: Image.Image, made: Canvas) -> bool:
    if there.size != made.image.size:
        return False
    difference = np.abs(np.asarray(there, np.int16) - np.asarray(made.image, np.int16)).max(-1)
    for left, top, right, bottom in made.lettered:
        difference[max(0, int(top) - 4) : int(bottom) + 5, max(0, int(left) - 8) : int(right) + 9] = 0
    return bool((difference > SHADE).sum() < FEW_PIXELS)
