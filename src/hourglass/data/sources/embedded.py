"""Images that come with the package."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hourglass.config.pictures import SPLITS, sha256
from hourglass.core.types import Shape
from hourglass.data.cache import folder_of, kept, key_of
from hourglass.data.splits import Splits

ASSETS = Path(__file__).parents[1] / "assets"
DIGITS = ASSETS / "mnist5k.npz"


class Mnist5k:
    """5,000 MNIST digits, 28×28 grey, embedded in the package; fixed split 4,000 / 500 / 500 (see assets/README.md).

    `cache`: the folder for decoded images; None decodes them into memory, each time.
    """

    image_shape: Shape = (1, 28, 28)
    SIZES = (4000, 500, 500)

    def __init__(self, *, cache: str | None = None) -> None:
        self.cache = folder_of(cache)

    def load(self) -> Splits:
        digits = kept(self.cache, key_of("mnist5k", sha256(DIGITS)), "the digits of the package", _read)
        labels = torch.tensor(digits.known["labels"]).split(self.SIZES)
        train, val, test = digits.images.split(self.SIZES)
        by_split = dict(zip(SPLITS, labels, strict=True))
        return Splits(train, val, test, by_split, tuple("0123456789"), release=digits.release)


def _read() -> tuple[Tensor, dict[str, Any]]:
    with np.load(DIGITS, allow_pickle=False) as file:
        return torch.from_numpy(file["images"]).unsqueeze(1), {"labels": file["labels"].tolist()}
