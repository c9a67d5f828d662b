"""Pictures of the codes of a run, as they lie in its folder, which anybody may have made. No torch in here."""

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hourglass.core.files import inside
from hourglass.core.text import first_line, printable
from hourglass.report.page.images import as_uri
from hourglass.report.reading.run import Run

LARGEST, MOST_PIXELS, BUDGET = 5_000_000, 20_000_000, 3_500_000
"""Bytes and pixels of a picture that is read; bytes of base64 for all of them on a page"""
TITLES = {
    "interpolations": "From one test image to another, along a straight line between their codes",
    "traversals": "One number of the code at a time, from 2 standard deviations below its mean to 2 above it",
    "neighbours": "Test images, and below each those whose codes are nearest",
}


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
    uri, reason = _read(folder, path)
    return CodePicture(title, uri, str(printable(reason)))


def _read(folder: Path, path: Path) -> tuple[str, str]:
    """(data URI of what is in the file, what is wrong with it)"""
    try:
        with Image.open(inside(path, folder, largest=LARGEST), formats=["PNG"]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"it has more than {MOST_PIXELS:,} pixels")
            return as_uri(image.convert("RGB")), ""
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ) as error:  # SyntaxError: of PNG's own parser
        return "", f"{path} cannot be shown: {first_line(error)}"
