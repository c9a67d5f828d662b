"""Crops of photographs that come with scikit-image: real textures without a download."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hourglass.config.pictures import SPLITS, sha256
from hourglass.core.errors import DataError
from hourglass.core.types import Count, Shape, Size
from hourglass.data import picture_files
from hourglass.data.cache import folder_of, kept, key_of
from hourglass.data.fitting import fitted
from hourglass.data.noise import seed_of
from hourglass.data.splits import Splits

PHOTOS = {
    "train": (
        "astronaut.png", "brick.png", "gravel.png", "grass.png", "motorcycle_left.png", "motorcycle_right.png",
        "hubble_deep_field.jpg", "retina.jpg", "ihc.png", "moon.png",
    ),
    "val": ("rocket.jpg", "coins.png"),
    "test": ("chelsea.png", "coffee.png", "camera.png"),
}  # fmt: skip
"""No photograph is in two splits; the two of the motorcycle, which were taken side by side, are in one."""


class Photos:
    """Square crops of 15 photographs, in colour (5 of them are grey), `size`×`size`.

    Each is cut anywhere from a photograph drawn uniformly, with a side from `size` to the shorter one of the photograph
    (log-uniform), and resized with antialiasing. `train`, `val`, `test`: numbers of crops. They come from the extra
    hourglass[photos]. `cache`: the folder for the crops; None cuts them in memory, each time.
    """

    def __init__(
        self, *, size: Count, train: Count, val: Count, test: Count, seed: Size, cache: str | None = None
    ) -> None:
        self.size, self.seed = size, seed
        self.counts = {"train": train, "val": val, "test": test}
        self.cache = folder_of(cache)
        self.image_shape: Shape = (3, size, size)

    def load(self) -> Splits:
        spec = importlib.util.find_spec("skimage")
        if spec is None or spec.origin is None:
            raise DataError("data=photos reads the photographs of scikit-image: pip install 'hourglass[photos]'")
        folder = Path(spec.origin).parent / "data"
        contents = {split: [sha256(folder / name) for name in PHOTOS[split]] for split in SPLITS}

        def read() -> tuple[Tensor, dict[str, Any]]:
            crops, names = zip(*(self._crops(folder, split) for split in SPLITS), strict=True)
            return torch.cat(crops), {"names": dict(zip(SPLITS, names, strict=True))}

        key = key_of("photos", self.image_shape, self.counts, self.seed, contents)
        cut = kept(self.cache, key, "crops of the photographs of scikit-image", read)
        train, val, test = cut.images.split([self.counts[split] for split in SPLITS])
        return Splits(train, val, test, names=cut.known["names"], release=cut.release)

    def _crops(self, folder: Path, split: str) -> tuple[Tensor, list[str]]:
        photos = [torch.from_numpy(picture_files.read(folder / name, 3).pixels) for name in PHOTOS[split]]
        random = np.random.Generator(np.random.Philox(seed_of("photos", split, self.seed)))
        out = torch.empty(self.counts[split], *self.image_shape, dtype=torch.uint8)
        names = []
        for place in out:
            which, (u, v, w) = random.integers(len(photos)), random.random(3)
            photo = photos[which]
            height, width = photo.shape[1:]
            longest = min(height, width)
            side = round(math.exp(math.log(longest) + u * (math.log(min(self.size, longest)) - math.log(longest))))
            top, left = int(v * (height - side + 1)), int(w * (width - side + 1))
            crop = photo[:, top : top + side, left : left + side]
            place.copy_(fitted(crop, self.size, self.size, "resize").mul(255).round())
            names.append(f"{PHOTOS[split][which]} {left},{top} {side}×{side}")
        return out, names
