"""Metrics of a reconstruction: `update(pixels, target, input)` for every batch, and `compute()` at the end of a split.

All three are (N, C, H, W) float; `pixels` is the reconstruction, `target` lies in [0, 1], `input` is the target, maybe
corrupted. A metric is made of the shape of the images, states its `measure`, and keeps sums, so that neither the size
of the batches nor the number of processes matters. `compute()` is a scalar, or None where there is nothing to say.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MeanMetric, MeanSquaredError, Metric
from torchmetrics.functional.image import structural_similarity_index_measure as similarity
from torchmetrics.image import StructuralSimilarityIndexMeasure

from hourglass.core.measures import MEASURES, Measure
from hourglass.core.types import Shape

BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales of MS-SSIM, finest first: Wang, Simoncelli & Bovik 2003."""


def psnr(mse: Tensor) -> Tensor:
    """10·log10(1 / mse) in dB, for pixels in [0, 1]. `psnr` is that of the mean error, `psnr_per_image` a mean."""
    return -10 * mse.log10()


def ssim_window(image_shape: Shape) -> tuple[bool, int]:
    """(gaussian_kernel, kernel_size) for torchmetrics: its Gaussian of 11, or the odd square a tiny image holds."""
    side = min(image_shape[1:])
    return (True, 11) if side >= 11 else (False, max(side - (side + 1) % 2, 1))


def scales(image_shape: Shape) -> tuple[float, ...]:
    """The weights of MS-SSIM on images of this shape: as many scales, of 5, as keep a side of 11 pixels, at least one.

    From 176 pixels on all of them; with fewer, the weights that remain are scaled to a sum of 1.
    """
    n = sum(min(image_shape[1:]) >= 11 * 2**i for i in range(len(BETAS))) or 1
    return tuple(beta / sum(BETAS[:n]) for beta in BETAS[:n])


def ms_ssim(pixels: Tensor, target: Tensor) -> Tensor:
    """Multi-scale SSIM of each image, (N,): contrast at every scale, luminance at the coarsest, weighted by `scales`.

    A scale at which the images are anticorrelated counts as 1e-6, where the power below 1 still has a finite gradient.
    """
    weights = scales(tuple(target.shape[1:]))
    product = torch.ones(len(target), device=target.device)
    for i, weight in enumerate(weights):
        gaussian, window = ssim_window(tuple(target.shape[1:]))
        whole, contrast = similarity(
            pixels, target, gaussian, kernel_size=window, data_range=1.0, reduction="none",
            return_contrast_sensitivity=True,
        )  # fmt: skip
        product = product * (whole if i == len(weights) - 1 else contrast).reshape(-1).clamp(min=1e-6) ** weight
        pixels, target = (F.avg_pool2d(images, 2) for images in (pixels, target))
    return product


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


class SSIM(StructuralSimilarityIndexMeasure):
    """Structural similarity: Wang et al. 2004, as in torchmetrics, data range 1."""

    measure: Measure = MEASURES["ssim"]

    def __init__(self, image_shape: Shape) -> None:
        gaussian, window = ssim_window(image_shape)
        super().__init__(gaussian, kernel_size=window, data_range=1.0)

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:  # type: ignore[override]
        super().update(pixels, target)


class MSSSIM(MeanMetric):
    """Multi-scale structural similarity, the mean of `ms_ssim` over the images."""

    measure = MEASURES["ms_ssim"]

    def __init__(self, image_shape: Shape) -> None:
        super().__init__()

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:  # type: ignore[override]
        super().update(ms_ssim(pixels, target))
