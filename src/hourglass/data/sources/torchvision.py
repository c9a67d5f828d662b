"""The data sets of torchvision."""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets, transforms

from hourglass.config.checksums import idx_file
from hourglass.config.pictures import list_pictures, sha256
from hourglass.core.errors import DataError
from hourglass.core.files import expanded
from hourglass.core.progress import Progress
from hourglass.core.text import first_line
from hourglass.core.types import Count, Shape
from hourglass.data.cache import Mapped, cached, folder_of, kept, key_of
from hourglass.data.picture_files import opened
from hourglass.data.sources.idx import labels_beside, read_idx, read_labels
from hourglass.data.splits import Splits, only_test, together

log = logging.getLogger(__name__)

Half = Literal["train", "test"]
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
BY_SPLIT = (datasets.SVHN, datasets.STL10)
"""They take the name of a split, the others a flag."""


class Torchvision:
    """A labelled data set of torchvision, read from `root`; `download` fetches it there first.

    The MNIST family is also read from a folder that holds its IDX files directly, compressed or not. `cache`: the
    folder for decoded images; None decodes them into memory, each time.
    """

    def __init__(self, *, name: Name, root: str, download: bool, cache: str | None = None) -> None:
        self.name, self.root, self.download = name, expanded(root), download
        self.cache = folder_of(cache)
        self.image_shape = SHAPES[name]

    def load(self) -> Splits:
        train, test = self._half("train"), self._half("test")
        labels = {**_labels("train", train), **_labels("test", test)}
        release = together(train.release, test.release)
        return Splits(train.images, None, test.images, labels, train.known["classes"], release=release)

    def load_test(self) -> Splits:
        test = self._half("test")
        labels = _labels("test", test)
        return only_test(test.images, labels=labels, classes=test.known["classes"], release=test.release)

    def _half(self, half: Half) -> Mapped:
        files = self._files(half)
        if not files:
            self._of_torchvision(half)  # which fetches them, or says that they are not there
            files = self._files(half)
        if not files:
            raise DataError(f"{self.name} lies in {self.root} as an old torchvision left it: fetch it again")
        key = key_of(self.name, half, [sha256(file) for file in files])
        return kept(self.cache, key, f"{self.name}, {half}", lambda: self._read(half, files))

    def _files(self, half: Half) -> list[Path]:
        """What holds the images and labels of a half; nothing where it is not there."""
        kind: Any = getattr(datasets, self.name)
        if issubclass(kind, datasets.MNIST):
            images = idx_file(self.name, self.root, half)
            return [] if images is None else [images, *filter(None, [labels_beside(images)])]
        if kind is datasets.SVHN:
            names = [kind.split_list[half][1]]
        elif kind is datasets.STL10:
            names = [f"{half}_X.bin", f"{half}_y.bin"]
        else:
            names = [name for name, _ in getattr(kind, f"{half}_list")]
        files = [self.root / getattr(kind, "base_folder", "") / name for name in names]
        return files if all(file.is_file() for file in files) else []

    def _read(self, half: Half, files: Sequence[Path]) -> tuple[Tensor, dict[str, Any]]:
        """The images, their labels and the names of these; none where an IDX file of images lies alone."""
        kind: Any = getattr(datasets, self.name)
        if issubclass(kind, datasets.MNIST):
            images, *beside = files
            there = {"labels": read_labels(beside[0]).tolist(), "classes": kind.classes} if beside else {"classes": ()}
            return read_idx(images), there
        data = self._of_torchvision(half)
        pixels = torch.as_tensor(np.asarray(data.data))
        if pixels.shape[-1] == 3:  # (N, H, W, C)
            pixels = pixels.permute(0, 3, 1, 2)
        labels = data.labels if kind in BY_SPLIT else data.targets
        classes = getattr(data, "classes", tuple("0123456789"))
        return pixels, {"labels": np.asarray(labels).tolist(), "classes": list(classes)}

    def _of_torchvision(self, half: Half) -> Any:
        """As torchvision has read it, and held against its checksums."""
        kind = getattr(datasets, self.name)
        which = {"split": half} if kind in BY_SPLIT else {"train": half == "train"}
        try:
            return kind(str(self.root), download=self.download, **which)
        except (RuntimeError, OSError) as error:
            raise missing(self.name, self.root, error) from error


class CelebA:
    """CelebA's aligned faces, 178×218: the central square, resized to `size`×`size`, colour. Its own three splits.

    `cache`: as of `Torchvision`.
    """

    def __init__(self, *, root: str, download: bool, size: Count, cache: str | None = None) -> None:
        self.root, self.download, self.size = expanded(root), download, size
        self.cache = folder_of(cache)
        self.image_shape: Shape = (3, size, size)

    def load(self) -> Splits:
        digests: dict[str, str] = {}
        train, val, test = (self._split(split, digests) for split in ("train", "valid", "test"))
        release = together(train.release, val.release, test.release)
        return Splits(train.images, val.images, test.images, release=release)

    def load_test(self) -> Splits:
        test = self._split("test", {})
        return only_test(test.images, release=test.release)

    def _split(self, split: str, digests: dict[str, str]) -> Mapped:
        """`digests`: of all faces by name, listed where they are not yet."""
        try:
            data = datasets.CelebA(str(self.root), split=split, download=self.download)
        except (RuntimeError, OSError) as error:
            raise missing("CelebA", self.root, error) from error
        folder = Path(data.root, data.base_folder, "img_align_celeba")
        if not digests:
            digests |= {file.name: file.digest for file in list_pictures(folder, self.cache)}
        square = transforms.Compose(
            [transforms.CenterCrop(178), transforms.Resize(self.size), transforms.PILToTensor()]
        )

        def decode(name: str) -> Tensor:
            with opened(folder / name) as picture:  # torchvision itself would open a file of any format
                return square(picture.convert("RGB"))

        def fill(out: np.ndarray) -> dict[int, str]:
            progress = Progress(log, f"decoding CelebA ({split})", len(out))
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                for place, image in zip(out, threads.map(decode, data.filename), strict=True):
                    place[:] = image.numpy()
                    progress.advance()
            return {}

        key = key_of("CelebA", self.size, [digests.get(name) for name in data.filename])
        return cached(self.cache, key, {"what": f"CelebA, {split}"}, (len(data), *self.image_shape), fill)


def _labels(split: str, of: Mapped) -> dict[str, Tensor]:
    return {split: torch.tensor(of.known["labels"])} if "labels" in of.known else {}


def missing(name: str, root: Path, error: Exception) -> DataError:
    return DataError(
        f"{name} is not in {root.resolve()} ({first_line(error)}). "
        "Either data.download=true fetches it there, or data.root=<folder> names the folder that holds it."
    )
