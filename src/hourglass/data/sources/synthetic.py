"""Images that are drawn: what they hold is known exactly."""

import math

import numpy as np
import torch
from torch import Tensor

from hourglass.core.errors import ConfigError
from hourglass.core.types import Count, Shape, Size
from hourglass.data.batches import CHUNK
from hourglass.data.noise import seed_of
from hourglass.data.splits import Splits

MOST_VALUES = 2**30
"""Of the images of a split, a byte each: they lie in memory."""


class Synthetic:
    """Seeded patterns in which checkerboards show: gratings, bars and flat colours, a third each, in random order.

    A grating is a sinusoid of random direction, phase and wavelength (4 px to half the image); a bar has sharp edges at
    a random angle; every channel has two grey levels of its own. `train` and `test` are numbers of images, from
    separate seeds.

    Factors: `kind`, one-hot; `angle`, (cos 2a, sin 2a), since a and a + π look alike, not of flat images; `wavelength`,
    its logarithm, of gratings; `level` of each channel, that of a flat image, around a bar, or amid a grating.
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
        (train, of_train), (test, of_test) = self._draw("train", self.train), self._draw("test", self.test)
        return Splits(train, None, test, factors={"train": of_train, "test": of_test})

    def _draw(self, split: str, n: int) -> tuple[Tensor, dict[str, Tensor]]:
        random = np.random.Generator(np.random.Philox(seed_of("synthetic", split, self.seed)))
        c, h, w = self.image_shape
        angle, phase, u = random.uniform(0, np.pi, (n, 1, 1)), random.uniform(0, 1, (n, 1, 1)), random.random((n, 1, 1))
        kind = random.permutation(n)[:, None, None] % 3
        low, high = random.random((2, n, c, 1, 1))
        rows, columns = np.mgrid[:h, :w] - (np.array([h, w])[:, None, None] - 1) / 2
        longest = max(min(h, w) / 2, 4.0)
        images = np.empty((n, c, h, w), np.uint8)
        for start in range(0, n, CHUNK):
            some = slice(start, start + CHUNK)
            across = rows * np.sin(angle[some]) + columns * np.cos(angle[some])  # (N, H, W), px
            grating = 0.5 + 0.5 * np.sin(2 * np.pi * (across / (4 * (longest / 4) ** u[some]) + phase[some]))
            bar = np.abs(across + (phase[some] - 0.5) * longest) < 1 + u[some] * longest / 2
            level = np.select([kind[some] == 0, kind[some] == 1], [grating, bar], 0.0)[:, None]  # (N, 1, H, W)
            images[some] = np.rint(255 * (low[some] + (high[some] - low[some]) * level))
        flat, kinds, double = kind.flatten() == 2, kind.flatten(), 2 * angle.reshape(n, 1)
        factors = {
            "kind": np.eye(3)[kinds],
            "angle": np.where(flat[:, None], np.nan, np.hstack([np.cos(double), np.sin(double)])),
            "wavelength": np.where(kinds == 0, np.log(4 * (longest / 4) ** u.flatten()), np.nan)[:, None],
            "level": np.where(kind[..., 0] == 0, (low + high)[..., 0, 0] / 2, low[..., 0, 0]),
        }
        return torch.from_numpy(images), {name: torch.from_numpy(values).float() for name, values in factors.items()}
