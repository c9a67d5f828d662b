import torch
from torch import Tensor

from hourglass.data import noise


class Discs:
    """Bright discs on black, one in each grey image of `side`×`side` pixels."""

    def __init__(self, *, side: int, train: int, test: int, seed: int) -> None:
        self.image_shape = (1, side, side)
        self.train, self.test, self.seed = train, test, seed

    def load(self) -> tuple[Tensor, None, Tensor]:
        return self._draw(self.train, "train"), None, self._draw(self.test, "test")

    def _draw(self, n: int, split: str) -> Tensor:
        generator = torch.Generator().manual_seed(noise.seed_of("discs", split, self.seed))
        side = self.image_shape[1]
        x, y, radius = torch.rand(3, n, 1, 1, generator=generator) * side
        grid = torch.arange(side)
        inside = (grid - x).square() + (grid[:, None] - y).square() < (2 + radius / 4).square()
        return (inside * 255).to(torch.uint8)[:, None]
