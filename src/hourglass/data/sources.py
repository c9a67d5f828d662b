"""Sources of images. A source knows its `image_shape` before any I/O; `load()` reads the images: see `Splits`."""

import gzip
import logging
import math
import zlib
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets, transforms

from hourglass.config.checksums import checksum, idx_file
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.text import first_line
from hourglass.core.types import Count, Shape, Size
from hourglass.data.noise import seed_of
from hourglass.data.picture_files import opened

log = logging.getLogger(__name__)
LEAST_PACKED, MOST_PACKED = 100_000_000, 50
"""Bytes that a compressed IDX file may always unpack to, and more than that as a multiple of its size; MNIST has 5."""
MOST_VALUES = 2**28
"""Of the synthetic images of a split: they are drawn at once, in float64."""
ASSETS = Path(__file__).parent / "assets"


class Splits(NamedTuple):
    """uint8 images, (N, C, H, W). `val` is None where the data set has none: it is split off `train`."""

    train: Tensor
    val: Tensor | None
    test: Tensor


class Mnist5k:
    """5,000 MNIST digits, 28×28 grey, embedded in the package; fixed split 4,000 / 500 / 500 (see assets/README.md)."""

    image_shape: Shape = (1, 28, 28)

    def load(self) -> Splits:
        with np.load(ASSETS / "mnist5k.npz", allow_pickle=False) as file:
            images = torch.from_numpy(file["images"]).unsqueeze(1)
        train, val, test = images.split([4000, 500, 500])
        return Splits(train, val, test)


Name = Literal["MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100", "SVHN", "STL10"]

SHAPES: dict[Name, Shape] = {
    "MNIST": (1, 28, 28),
    "FashionMNIST": (1, 28, 28),
    "KMNIST": (1, 28, 28),
    "CIFAR10": (3, 32, 32),
    "CIFAR100": (3, 32, 32),
    "SVHN": (3, 32, 32),
    "STL10": (3, 96, 96),
}


class Torchvision:
    """A labelled data set of torchvision, read from `root`; `download` fetches it there first.

    The MNIST family is also read from a folder that holds its IDX files directly, compressed or not.
    """

    def __init__(self, *, name: Name, root: str, download: bool) -> None:
        self.name, self.root, self.download = name, Path(root).expanduser(), download
        self.image_shape = SHAPES[name]

    def load(self) -> Splits:
        return Splits(self._read(train=True), None, self.load_test())

    def load_test(self) -> Tensor:
        return self._read(train=False)

    def _read(self, train: bool) -> Tensor:
        path = idx_file(self.name, self.root, "train" if train else "test")
        if path is not None and path.parent == self.root:
            return read_idx(path)
        by_name = {"SVHN", "STL10"}  # these two take a split, the others a flag
        half = {"split": "train" if train else "test"} if self.name in by_name else {"train": train}
        try:
            data = getattr(datasets, self.name)(str(self.root), download=self.download, **half).data
        except (RuntimeError, OSError) as error:
            raise missing(self.name, self.root, error) from error
        images = torch.as_tensor(np.asarray(data))
        if images.ndim == 3:  # (N, H, W)
            return images.unsqueeze(1)
        return images.permute(0, 3, 1, 2).contiguous() if images.shape[-1] == 3 else images


class CelebA:
    """CelebA's aligned faces, 178×218: the central square, resized to `size`×`size`, colour. Its own three splits."""

    def __init__(self, *, root: str, download: bool, size: Count) -> None:
        self.root, self.download, self.size = Path(root).expanduser(), download, size
        self.image_shape: Shape = (3, size, size)

    def load(self) -> Splits:
        train, val = (self._read(split) for split in ("train", "valid"))
        return Splits(train, val, self.load_test())

    def load_test(self) -> Tensor:
        return self._read("test")

    def _read(self, split: str) -> Tensor:
        square = transforms.Compose(
            [transforms.CenterCrop(178), transforms.Resize(self.size), transforms.PILToTensor()]
        )
        try:
            data = datasets.CelebA(str(self.root), split=split, download=self.download)
        except (RuntimeError, OSError) as error:
            raise missing("CelebA", self.root, error) from error
        log.info("reading %s CelebA images (%s) into memory", f"{len(data):,}", split)
        images = torch.empty(len(data), *self.image_shape, dtype=torch.uint8)
        for i, name in enumerate(data.filename):  # torchvision itself would open a file of any format
            with opened(Path(data.root, data.base_folder, "img_align_celeba", name)) as picture:
                images[i] = square(picture.convert("RGB"))
        return images


class Synthetic:
    """Seeded patterns in which checkerboards show: gratings, bars and flat colours, a third each, in random order.

    A grating is a sinusoid of random direction, phase and wavelength (4 px to half the image); a bar has sharp edges at
    a random angle; every channel has two grey levels of its own. `train` and `test` are numbers of images, from
    separate seeds.
    """

    def __init__(self, *, image_shape: tuple[Count, Count, Count], train: Count, test: Count, seed: Size) -> None:
        if max(train, test) * math.prod(image_shape) > MOST_VALUES:
            raise ConfigError(
                f"{train:,} and {test:,} images of {image_shape} are too many to be drawn in memory: at most "
                f"{MOST_VALUES:,} values each, so use fewer or smaller ones"
            )
        self.image_shape: Shape = tuple(image_shape)
        self.train, self.test, self.seed = train, test, seed

    def load(self) -> Splits:
        return Splits(self._draw("train", self.train), None, self._draw("test", self.test))

    def _draw(self, split: str, n: int) -> Tensor:
        random = np.random.Generator(np.random.Philox(seed_of("synthetic", split, self.seed)))
        c, h, w = self.image_shape
        angle, phase, u = random.uniform(0, np.pi, (n, 1, 1)), random.uniform(0, 1, (n, 1, 1)), random.random((n, 1, 1))
        rows, columns = np.mgrid[:h, :w] - (np.array([h, w])[:, None, None] - 1) / 2
        across = rows * np.sin(angle) + columns * np.cos(angle)  # (N, H, W), px
        longest = max(min(h, w) / 2, 4.0)
        grating = 0.5 + 0.5 * np.sin(2 * np.pi * (across / (4 * (longest / 4) ** u) + phase))
        bar = np.abs(across + (phase - 0.5) * longest) < 1 + u * longest / 2
        kind = random.permutation(n)[:, None, None] % 3
        level = np.select([kind == 0, kind == 1], [grating, bar], 0.0)[:, None]  # (N, 1, H, W)
        low, high = random.random((2, n, c, 1, 1))
        return torch.from_numpy(np.rint(255 * (low + (high - low) * level)).astype(np.uint8))


def read_idx(path: Path) -> Tensor:
    """(N, 1, H, W) uint8 from an IDX file, packed or not: 4 big-endian numbers (magic, N, H, W), then bytes.

    Raises DataError where the file is another, or does not hold what its header promises.
    """
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no regular file")
        packed, size = path.suffix == ".gz", path.stat().st_size
        with gzip.open(path) if packed else path.open("rb") as file:
            magic, n, h, w = (int(number) for number in np.frombuffer(file.read(16), ">u4", 4))
            promised = n * h * w
            if magic != 0x803 or not promised or (not packed and promised != size - 16):
                raise ValueError("it is not a complete IDX file of images")
            if packed and promised > max(LEAST_PACKED, MOST_PACKED * size):
                raise ValueError(f"it unpacks to {promised:,} bytes, more than {MOST_PACKED} times its size")
            raw = bytearray(file.read(promised + 1))
            if len(raw) != promised:
                raise ValueError("it is not a complete IDX file of images")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {first_line(error)}") from error
    return torch.frombuffer(raw, dtype=torch.uint8).view(n, 1, h, w)


def idx_checksum(images: Tensor) -> str:
    """Of (N, 1, H, W) uint8 images, as `hourglass.config.checksums` has it of the IDX file that holds them."""
    n, _, h, w = images.shape
    return checksum(np.array([0x803, n, h, w], ">u4").tobytes() + images.contiguous().numpy().tobytes())


def missing(name: str, root: Path, error: Exception) -> DataError:
    return DataError(
        f"{name} is not in {root.resolve()} ({first_line(error)}). "
        "Either data.download=true fetches it there, or data.root=<folder> names the folder that holds it."
    )
