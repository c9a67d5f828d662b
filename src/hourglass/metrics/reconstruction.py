"""Metrics of a reconstruction: `update(pixels, target, input)` for every batch, and `compute()` at the end of a split.

All three are (N, C, H, W) float; `pixels` is the reconstruction, `target` lies in [0, 1], `input` is the target, maybe
corrupted. A metric is made of the shape of the images, states its `measure`, and keeps sums, so that neither the size
of the batches nor the number of processes matters. `compute()` is a scalar, or None where there is nothing to say.
"""

import torch
from torch import Tensor
from torchmetrics import MeanMetric, MeanSquaredError, Metric

from hourglass.core.measures import MEASURES
from hourglass.core.types import Shape
from hourglass.metrics.similarity import ms_ssim, ssim


def psnr(mse: Tensor) -> Tensor:
    """10·log10(1 / mse) in dB, for pixels in [0, 1]. `psnr` is that of the mean error, `psnr_per_image` a mean."""
    return -10 * mse.log10()


class MSE(MeanSquaredError):
    """Mean squared error of a pixel."""

    measure = MEASURES["mse"]

    def __init__(self, image_shape: Shape) -> None:
        super().__init__()

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:  # type: ignore[override]
        super().update(pixels.flatten(), target.flatten())


class PSNR(MSE):
    """PSNR of the mean error over all images, dB."""

    measure = MEASURES["psnr"]

    def compute(self) -> Tensor:
        return psnr(super().compute())


class PSNRPerImage(MeanMetric):
    """The mean of each image's own PSNR, dB."""

    measure = MEASURES["psnr_per_image"]

    def __init__(self, image_shape: Shape) -> None:
        super().__init__()

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:  # type: ignore[override]
        super().update(psnr((pixels - target).square().flatten(1).mean(1)))


class PSNRInput(PSNR):
    """PSNR of the corrupted input, dB; None where it is the target."""

    measure = MEASURES["psnr_input"]

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:  # type: ignore[override]
        super().update(input, target, input)

    def compute(self) -> Tensor | None:  # type: ignore[override]
        return super().compute() if self.sum_squared_error > 0 else None


class PSNRGain(Metric):
    """PSNR of the reconstruction minus that of the corrupted input, dB; None where the input is the target."""

    measure = MEASURES["psnr_gain"]
    full_state_update = False
    errors: Tensor
    """(2,): Σ squared error of the reconstruction, of the input"""
    total: Tensor

    def __init__(self, image_shape: Shape) -> None:
        super().__init__()
        self.add_state("errors", torch.zeros(2), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:
        differences = ((images - target).flatten() for images in (pixels, input))
        self.errors += torch.stack([torch.sum(difference * difference, dim=0) for difference in differences])
        self.total += target.numel()

    def compute(self) -> Tensor | None:
        after, before = psnr(self.errors / self.total)
        return after - before if self.errors[1] > 0 else None


class SSIM(MeanMetric):
    """Structural similarity, the mean of `ssim` over the images."""

    measure = MEASURES["ssim"]

    def __init__(self, image_shape: Shape) -> None:
        super().__init__()

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:  # type: ignore[override]
        super().update(ssim(pixels, target))


class MSSSIM(MeanMetric):
    """Multi-scale structural similarity, the mean of `ms_ssim` over the images."""

    measure = MEASURES["ms_ssim"]

    def __init__(self, image_shape: Shape) -> None:
        super().__init__()

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:  # type: ignore[override]
        super().update(ms_ssim(pixels, target))
