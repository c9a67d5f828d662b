from torch import Tensor
from torchmetrics import MeanMetric

from hourglass.metrics import Measure


class EdgeError(MeanMetric):
    """Mean squared error of the differences between neighbouring pixels."""

    measure = Measure("edge error", "Squared error of the step to the next pixel.", better="lower", per_image=True)

    def __init__(self, image_shape: tuple[int, ...]) -> None:
        super().__init__()

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:
        error = pixels - target
        steps = (error.diff(dim=axis).square().flatten(1).mean(1) for axis in (2, 3))
        super().update(sum(steps) / 2)
