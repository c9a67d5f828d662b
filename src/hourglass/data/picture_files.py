"""Picture files as arrays. Where Pillow alone would be silently wrong, this is right, or refuses.

16-bit grey is not clipped to white, the camera's orientation is applied, transparent pixels are composited on white,
floats must lie in [0, 1], and a file that cannot be read is named. Colour profiles are not applied.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from hourglass.config.pictures import FORMATS
from hourglass.core.errors import DataError

LUMA = (0.299, 0.587, 0.114)
"""Grey from red, green and blue: ITU-R BT.601, as in Pillow."""
TIFF_BITS, TIFF_PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0
ON_WHITE = "transparent parts on white"


class Picture(NamedTuple):
    pixels: np.ndarray
    """(C, H, W) float32 in [0, 1]"""
    notes: list[str]
    """Decisions that the user should know of."""


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The picture in a file, for the block that reads it.

    Raises DataError where it is of no kind in FORMATS, has more pixels than Pillow deems safe (89 million), or where
    the block cannot read it.
    """
    try:
        bombs_refused = warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning)
        with bombs_refused, Image.open(path, formats=tuple(FORMATS)) as image:
            yield image
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS)
        raise DataError(f"{path} is no picture of a kind that is read ({kinds}): save it as PNG") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        most = f"{(Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"
        raise DataError(f"{path} has more than {most}: make it smaller, or cut it into parts") from error
    except Exception as error:  # on a broken file the decoders raise errors of any type
        raise DataError(f"{path} cannot be read: {error}") from error


def read(path: Path, channels: int) -> Picture:
    """A file as grey (1 channel) or colour (3). Raises as `opened`, and where its values cannot be kept faithfully."""
    notes: list[str] = []
    with opened(path) as image:
        if getattr(image, "is_animated", False):  # to count the frames would read them all
            notes.append("the first of its frames")
        image.load()
        values = _values(image, notes)
    if channels == 1:
        pixels = (values @ np.array(LUMA, np.float32) if values.ndim == 3 else values)[None]
    else:
        pixels = np.moveaxis(values, -1, 0) if values.ndim == 3 else np.repeat(values[None], channels, 0)
    return Picture(np.require(pixels, np.float32, ["C", "W"]), notes)


def _values(image: Image.Image, notes: list[str]) -> np.ndarray:
    """(H, W) grey or (H, W, 3) colour in [0, 1], upright."""
    turned = ImageOps.exif_transpose(image)
    numbers = np.asarray(turned)
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        bits = tags.get(TIFF_BITS, (16,))[0]  # 12 in some cameras' TIFF
        values = _black_is_zero(numbers / np.float32(2**bits - 1), tags)
        if isinstance(transparent := image.info.get("transparency"), int):
            values[numbers == transparent] = 1
            notes.append(ON_WHITE)
        return values
    if image.mode in ("I", "F"):
        kind = "32-bit integers" if image.mode == "I" else "floats"
        if image.mode == "I" or not (numbers.min() >= 0 and numbers.max() <= 1):  # NaN fails, too
            raise DataError(
                f"holds {kind} from {numbers.min():g} to {numbers.max():g}, and nothing says which of them is white: "
                "save it with 8 or 16 bits, or as floats from 0 to 1"
            )
        return _black_is_zero(numbers, tags)
    if turned.has_transparency_data:
        turned = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned)
        notes.append(ON_WHITE)
    return np.asarray(turned.convert("L" if turned.mode in ("1", "L") else "RGB")) / np.float32(255)


def _black_is_zero(values: np.ndarray, tags: dict[int, int]) -> np.ndarray:
    """Pillow inverts TIFF's WhiteIsZero at 8 bits, but not at more."""
    return 1 - values if tags.get(TIFF_PHOTOMETRIC) == WHITE_IS_ZERO else values
