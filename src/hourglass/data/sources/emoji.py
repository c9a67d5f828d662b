"""The pictures of Noto Color Emoji: real colour without a download."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hourglass.config.pictures import SPLITS, checksum_of_file, split_by_content
from hourglass.core.errors import DataError
from hourglass.core.text import first_line
from hourglass.core.types import Count, Shape
from hourglass.data.cache import cached, key_of
from hourglass.data.fitting import fitted
from hourglass.data.sources.embedded import ASSETS
from hourglass.data.splits import Splits

SHEET, NAMES = ASSETS / "emoji32.webp", ASSETS / "emoji32.txt"
EMBEDDED, COLUMNS = 32, 64
"""Side of the pictures in the package, and how many lie in a row of their sheet."""
SIDE = 136
"""Of the font's bitmaps, whose 128 rows are centred in it."""
TONES = {f"{tone:x}" for tone in range(0x1F3FB, 0x1F400)}
"""The code points of the skin tones"""
SHARE = 0.1
"""Of the emoji, to validate and to test each"""


class Emoji:
    """Some 3,700 emoji on white, in colour, `size`×`size`; all skin tones of one are in the same split.

    At 32 they are in the package (see assets/README.md), at other sizes they are made from the bitmaps, 136×128, in the
    file `font`, which Debian has in its package fonts-noto-color-emoji; `checksum` is that of the file that is meant.
    """

    def __init__(self, *, size: Count, font: str, checksum: str | None, cache: str | None) -> None:
        self.size, self.font, self.checksum = size, Path(font).expanduser(), checksum
        self.cache = None if cache is None else Path(cache).expanduser()
        self.image_shape: Shape = (3, size, size)

    def load(self) -> Splits:
        names, images, release = self._embedded() if self.size == EMBEDDED else self._from_font()
        splits = [split_of(name) for name in names]
        at = {split: [i for i, own in enumerate(splits) if own == split] for split in SPLITS}
        train, val, test = (images[at[split]] for split in SPLITS)
        if release is not None:
            release()
        return Splits(train, val, test, names={split: [names[i] for i in at[split]] for split in SPLITS})

    def _embedded(self) -> tuple[list[str], Tensor, None]:
        with Image.open(SHEET, formats=["WEBP"]) as sheet:
            pixels = torch.from_numpy(np.asarray(sheet.convert("RGB")).copy())
        names = NAMES.read_text(encoding="utf-8").split()
        tiles = pixels.unflatten(1, (COLUMNS, EMBEDDED)).unflatten(0, (-1, EMBEDDED)).permute(0, 2, 4, 1, 3)
        return names, tiles.flatten(0, 1)[: len(names)], None

    def _from_font(self) -> tuple[list[str], Tensor, Callable[[], None] | None]:
        there = checksum_of_file(str(self.font))
        if self.checksum is not None and there is not None and there != self.checksum:
            raise DataError(f"{self.font} has changed (checksum {self.checksum}, now {there}): name the one of then")
        bitmaps = read_bitmaps(self.font)

        def fill(out: np.ndarray) -> dict[int, str]:
            for place, bitmap in zip(out, bitmaps.values(), strict=True):
                place[:] = resized(bitmap, self.size)
            return {}

        digest = hashlib.sha256(b"".join(bitmap.tobytes() for bitmap in bitmaps.values())).hexdigest()
        about = {"what": "emoji", "font": str(self.font), "size": self.size}
        shape = (len(bitmaps), *self.image_shape)
        made = cached(self.cache, key_of("emoji", self.size, digest), about, shape, fill)
        return list(bitmaps), made.images, made.release


def split_of(name: str) -> str:
    """Of an emoji by its code points, `1f44b-1f3fd`, whatever its skin tone."""
    without_tone = "-".join(point for point in name.split("-") if point not in TONES)
    return split_by_content(hashlib.sha256(without_tone.encode()).hexdigest(), SHARE, SHARE)


def read_bitmaps(font: Path) -> dict[str, np.ndarray]:
    """Code points -> (136, 136, 3) uint8, on white; of those that look the same only the first.

    Raises DataError where there is no such font.
    """
    try:
        from fontTools.ttLib import TTFont, TTLibError
    except ModuleNotFoundError:
        raise DataError(
            "emoji of this size are read with fonttools: pip install fonttools, or use data.size=32"
        ) from None
    try:
        with TTFont(font) as file:
            strike, names = file["CBDT"].strikeData[0], _code_points(file)
            glyphs = {names[glyph]: strike[glyph].imageData for glyph in strike}
    except (OSError, TTLibError, KeyError) as error:
        raise DataError(
            f"{font} holds no bitmaps of emoji ({first_line(error)}): install Debian's fonts-noto-color-emoji, name "
            f"its NotoColorEmoji.ttf in data.font, or use data.size={EMBEDDED}, which is in the package"
        ) from error
    bitmaps: dict[str, np.ndarray] = {}
    seen = set()
    for name in sorted(glyphs):
        canvas = Image.new("RGBA", (SIDE, SIDE), "white")
        with Image.open(io.BytesIO(glyphs[name]), formats=["PNG"]) as glyph:
            canvas.alpha_composite(glyph.convert("RGBA"), ((SIDE - glyph.width) // 2, (SIDE - glyph.height) // 2))
        pixels = np.asarray(canvas.convert("RGB"))
        if pixels.tobytes() not in seen:
            seen.add(pixels.tobytes())
            bitmaps[name] = pixels
    return bitmaps


def resized(bitmap: np.ndarray, size: int) -> np.ndarray:
    """(136, 136, 3) -> (3, size, size) uint8"""
    pixels = torch.tensor(bitmap).permute(2, 0, 1).float() / 255
    return fitted(pixels, size, size, "resize").mul(255).round().byte().numpy()


def _code_points(file: Any) -> dict[str, str]:
    """Glyph -> `1f44b-1f3fd`: of a character, or of several that the font's ligatures make one."""
    points = {glyph: f"{point:x}" for point, glyph in sorted(file.getBestCmap().items(), reverse=True)}
    for lookup in file["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, ligatures in getattr(table, "ligatures", {}).items():
                for ligature in ligatures:
                    parts = [first, *ligature.Component]
                    points.setdefault(ligature.LigGlyph, "-".join(points[part] for part in parts))
    return points
