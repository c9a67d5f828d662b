"""The pictures of Noto Color Emoji: real colour without a download."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hourglass.config.pictures import SPLITS, sha256, split_by_content
from hourglass.core.errors import DataError
from hourglass.core.files import expanded
from hourglass.core.text import first_line
from hourglass.core.types import Count, Shape
from hourglass.data.cache import Mapped, folder_of, kept, key_of
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
        self.size, self.font, self.checksum = size, expanded(font), checksum
        self.cache = folder_of(cache)
        self.image_shape: Shape = (3, size, size)

    def load(self) -> Splits:
        emoji = self._embedded() if self.size == EMBEDDED else self._from_font()
        names: list[str] = emoji.known["names"]
        by_split = {split: [name for name in names if split_of(name) == split] for split in SPLITS}
        train, val, test = emoji.images.split([len(by_split[split]) for split in SPLITS])
        return Splits(train, val, test, names=by_split, release=emoji.release)

    def _embedded(self) -> Mapped:
        def read() -> tuple[Tensor, dict[str, Any]]:
            with Image.open(SHEET, formats=["WEBP"]) as sheet:
                pixels = torch.from_numpy(np.asarray(sheet.convert("RGB")).copy())
            names = NAMES.read_text(encoding="utf-8").split()
            tiles = pixels.unflatten(1, (COLUMNS, EMBEDDED)).unflatten(0, (-1, EMBEDDED)).permute(0, 2, 4, 1, 3)
            ordered = _by_split(names)
            place = {name: i for i, name in enumerate(names)}
            return tiles.flatten(0, 1)[[place[name] for name in ordered]], {"names": ordered}

        return kept(self.cache, key_of("emoji", sha256(SHEET), sha256(NAMES)), "the emoji of the package", read)

    def _from_font(self) -> Mapped:
        digest = sha256(self.font) if self.font.is_file() else None
        if self.checksum is not None and digest is not None and digest[:8] != self.checksum:
            raise DataError(
                f"{self.font} has changed (checksum {self.checksum}, now {digest[:8]}): name the one of then"
            )

        def read() -> tuple[Tensor, dict[str, Any]]:
            bitmaps = read_bitmaps(self.font)
            names = _by_split(list(bitmaps))
            images = np.stack([resized(bitmaps[name], self.size) for name in names])
            return torch.from_numpy(images), {"font": str(self.font), "names": names}

        return kept(self.cache, key_of("emoji", self.size, digest), "the emoji of a font", read)


def _by_split(names: list[str]) -> list[str]:
    """Those of a split together, so that each split is a part of the images and no copy."""
    return sorted(names, key=lambda name: SPLITS.index(split_of(name)))


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
