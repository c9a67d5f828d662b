from torch import Tensor

from hourglass.data import noise


class Contrast:
    """Every image loses up to `strength` of its contrast, the same share in all its pixels."""

    def __init__(self, *, strength: float) -> None:
        self.strength = strength

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        lost = self.strength * noise.uniform(key, (1, 1, 1), "contrast")  # a pure function of the image's key
        return 0.5 + (x - 0.5) * (1 - lost)
