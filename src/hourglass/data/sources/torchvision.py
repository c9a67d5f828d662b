"""The data sets of torchvision."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets, transforms

from hourglass.config.checksums import idx_file
from hourglass.core.errors import DataError
from hourglass.core.text import first_line
from hourglass.core.types import Count, Shape
from hourglass.data.picture_files import opened
from hourglass.data.sources.idx import labels_beside, read_idx
from hourglass.data.splits import Splits, only_test

log = logging.getLogger(__name__)

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
        (train, labels, classes), test = self._read(train=True), self.load_test()
        return test._replace(train=train, labels={**test.labels, **_by("train", labels)}, classes=classes)

    def load_test(self) -> Splits:
        test, labels, classes = self._read(train=False)
        return only_test(test, labels=_by("test", labels), classes=classes)

    def _read(self, train: bool) -> tuple[Tensor, Tensor | None, Sequence[str]]:
        """Images, labels and their names; none where an IDX file of images lies alone."""
        path = idx_file(self.name, self.root, "train" if train else "test")
        if path is not None and path.parent == self.root:
            labels = labels_beside(path)
            return read_idx(path), labels, () if labels is None else getattr(datasets, self.name).classes
        by_name = {"SVHN", "STL10"}  # these two take a split, the others a flag
        half = {"split": "train" if train else "test"} if self.name in by_name else {"train": train}
        try:
            data = getattr(datasets, self.name)(str(self.root), download=self.download, **half)
        except (RuntimeError, OSError) as error:
            raise missing(self.name, self.root, error) from error
        images = torch.as_tensor(np.asarray(data.data))
        if images.ndim == 3:  # (N, H, W)
            images = images.unsqueeze(1)
        elif images.shape[-1] == 3:
            images = images.permute(0, 3, 1, 2).contiguous()
        labels = torch.as_tensor(np.asarray(data.labels if self.name in by_name else data.targets)).long()
        return images, labels, getattr(data, "classes", tuple("0123456789"))


class CelebA:
    """CelebA's aligned faces, 178×218: the central square, resized to `size`×`size`, colour. Its own three splits."""

    def __init__(self, *, root: str, download: bool, size: Count) -> None:
        self.root, self.download, self.size = Path(root).expanduser(), download, size
        self.image_shape: Shape = (3, size, size)

    def load(self) -> Splits:
        train, val = (self._read(split) for split in ("train", "valid"))
        return self.load_test()._replace(train=train, val=val)

    def load_test(self) -> Splits:
        return only_test(self._read("test"))

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


def _by(split: str, labels: Tensor | None) -> dict[str, Tensor]:
    return {} if labels is None else {split: labels}


def missing(name: str, root: Path, error: Exception) -> DataError:
    return DataError(
        f"{name} is not in {root.resolve()} ({first_line(error)}). "
        "Either data.download=true fetches it there, or data.root=<folder> names the folder that holds it."
    )
