"""What the metrics share: sums as states, phases of whole periods, and 0 / 0."""

import torch
from torch import Tensor
from torchmetrics import Metric


class Sums(Metric):
    """A metric of float64 sums of fixed shape: images, batches and processes add up in any order.

    `key` puts the settings into the name of one empty state. Without it a MetricCollection would merge, for good, two
    metrics that differ only in their settings and agree on the first batch, as they do on black images.
    """

    full_state_update = False
    is_differentiable = False

    def __init__(self, key: str, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        for name, shape in {f"key_{key}": (), **shapes}.items():
            self.add_state(name, torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")


def check_stride(stride: int, border: int = 0) -> None:
    if stride < 2 or border < 0:
        raise ValueError(f"stride={stride}, border={border}: use the up-sampling factor, 2 or more, and border>=0")


def whole_periods(images: Tensor, stride: int, border: int = 0, periods: int = 2) -> Tensor:
    """Images in float64, without `border` pixels a side and without rows and columns beyond a multiple of `stride`.

    Raises ValueError where fewer than `periods` of them are left.
    """
    if images.ndim != 4:
        raise ValueError(f"expected images (N, C, H, W), got shape {tuple(images.shape)}: add the missing dimensions")
    height, width = ((n - 2 * border) // stride * stride for n in images.shape[-2:])
    if min(height, width) < periods * stride:
        raise ValueError(
            f"images of {images.shape[-2]}x{images.shape[-1]} less a border of {border} hold fewer than {periods} "
            f"periods of {stride}: use images of {periods * stride + 2 * border} pixels or more, or a smaller stride "
            "or border"
        )
    return images[..., border : border + height, border : border + width].double()


def phases(images: Tensor, stride: int) -> Tensor:
    """(N, C, H, W) -> (N, C, h, s, w, s): axes 3 and 5 are the phase."""
    n, c, height, width = images.shape
    return images.reshape(n, c, height // stride, stride, width // stride, stride)


def anchor(images: Tensor) -> Tensor:
    """Images less their first pixel, for metrics that ignore the mean: constant images stay exactly constant."""
    return images - images[..., :1, :1]


def ratio(numerator: Tensor, denominator: Tensor, of_zeros: float = 0.0) -> Tensor:
    """numerator / denominator, and `of_zeros` for 0 / 0; NaN stays NaN."""
    return torch.where((numerator == 0) & (denominator == 0), of_zeros, numerator / denominator)
