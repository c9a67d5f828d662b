"""Folders of pictures as people have them."""

from pathlib import Path

import numpy as np
from PIL import Image

from hourglass.config.compose import compose_train
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.data import ImageData

KINDS = ("png", "jpg", "webp", "bmp", "gif", "tif")
MODES = ("RGB", "L", "RGBA", "P", "1", "CMYK")


def picture(number: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """No two numbers give the same one: a ramp of its own colour, and the number in its first pixels."""
    width, height = size
    random = np.random.default_rng(number)
    ramp = np.linspace(0.2, 1, width)[None, :, None] * random.integers(60, 255, 3)
    pixels = np.broadcast_to(ramp, (height, width, 3)).astype(np.uint8).copy()
    pixels[0, :2] = [number // 256, number % 256, 0]
    return Image.fromarray(pixels)


def fill(folder: Path, count: int, first: int = 0, suffix: str = "png", size: tuple[int, int] = (40, 30)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        picture(number, size).save(folder / f"{number:04d}.{suffix}")


def mixed(folder: Path, count: int) -> Path:
    """Two classes, every kind of file, many modes and sizes, and three files that are broken, each in its way."""
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        mode = MODES[number // len(KINDS) % len(MODES)] if kind in ("png", "tif") else "RGB"
        mode = "RGB" if (kind, mode) == ("png", "CMYK") else mode
        inside = folder / ("cats" if number % 2 else "dogs")
        inside.mkdir(parents=True, exist_ok=True)
        size = (30 + number * 7 % 50, 30 + number * 11 % 40)
        picture(number, size).convert(mode).save(inside / f"{number:03d}.{kind}")
    whole = (folder / "dogs" / "000.png").read_bytes()
    (folder / "cats" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dogs" / "empty.jpg").write_bytes(b"")
    (folder / "dogs" / "text.gif").write_text("no picture", encoding="utf-8")
    (folder / "notes.txt").write_text("not looked at", encoding="utf-8")
    (folder / ".hidden.png").write_bytes(b"not looked at")
    return folder


def configured(root: Path, *overrides: str, data: str = "folder") -> Configuration:
    return compose_train([f"data={data}", f"data.root='{root}'", "data.batch_size=2", "data.size=16", *overrides])


def read(root: Path, *overrides: str, data: str = "folder") -> ImageData:
    module: ImageData = Parts(configured(root, *overrides, data=data)).data
    module.setup()
    return module


def names_by_split(data: ImageData) -> dict[str, set[str]]:
    return {split: set(images.names or ()) for split, images in data.images.items()}
