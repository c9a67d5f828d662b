"""Images that come with the package."""

from pathlib import Path

import numpy as np
import torch

from hourglass.core.types import Shape
from hourglass.data.splits import Splits

ASSETS = Path(__file__).parents[1] / "assets"


class Mnist5k:
    """5,000 MNIST digits, 28×28 grey, embedded in the package; fixed split 4,000 / 500 / 500 (see assets/README.md)."""

    image_shape: Shape = (1, 28, 28)
    SIZES = (4000, 500, 500)

    def load(self) -> Splits:
        with np.load(ASSETS / "mnist5k.npz", allow_pickle=False) as file:
            images, labels = torch.from_numpy(file["images"]).unsqueeze(1), torch.from_numpy(file["labels"]).long()
        train, val, test = images.split(self.SIZES)
        by_split = dict(zip(("train", "val", "test"), labels.split(self.SIZES), strict=True))
        return Splits(train, val, test, by_split, tuple("0123456789"))
