"""Metrics of images by frequency: what a stride leaves at its harmonics, and power spectra."""

import math

import torch
from torch import Tensor

from hourglass.core.types import Size2d
from hourglass.metrics.base import Sums, anchor, check_stride, ratio, whole_periods


class HarmonicPeak(Sums):
    """HP = 10 log10(Σ_h P(h) / Σ_h B(h)) in dB; 0: harmonics no stronger than their neighbours, >0: pattern, <0: hole.

    P(u, v) = Σ |FFT2(hann·(y - m))|² over images, m the weighted mean; h the s² - 1 bins (aH/s, bW/s). B(h) is the mean
    of P at distances g to g + 2 on both sides: along the axis for a harmonic that lies on one (real images have ridges
    there), along both axes for the others. g = 2 with the window, which smears a peak over ±1 bins, and 1 without; bins
    nearer than g to the next harmonic are left out. Constant images: 0. Powers add up: a pattern whose sign differs
    between images does not cancel.
    Source: ours, from the spectral replicas that up-sampling leaves (Zhang, Karaman & Chang 2019).
    """

    higher_is_better = False
    power: Tensor

    def __init__(self, stride: int, image_size: Size2d, window: bool = True) -> None:
        check_stride(stride)
        height, width = image_size
        gap = 2 if window else 1
        if min(height, width) < 2 * gap * stride:
            raise ValueError(
                f"harmonics of stride {stride} have no free neighbours in images of {height}x{width}: use images of "
                f"{2 * gap * stride} pixels or more, or a smaller stride{', or window=False' if window else ''}"
            )
        shape = (height - height % stride, width - width % stride)
        super().__init__(f"{type(self).__name__}_{stride}_{height}_{width}_{window}", self.states(shape))
        self.stride, self.image_size, self.window, self.gap = stride, (height, width), window, gap

    def states(self, shape: Size2d) -> dict[str, tuple[int, ...]]:
        return {"power": shape}

    def update(self, images: Tensor) -> None:
        self.power = self.power + self.powers(images).sum(0)

    def compute(self) -> Tensor:
        return 10 * ratio(*self.peak_and_background(self.power), of_zeros=1.0).log10()

    def powers(self, images: Tensor) -> Tensor:
        """P of each image, (N, H, W)"""
        y = anchor(whole_periods(images, self.stride))
        _check_size(images, self.image_size)
        weight = torch.ones_like(y[:1, :1])
        if self.window:
            rows, columns = (torch.hann_window(n, dtype=y.dtype, device=y.device) for n in y.shape[-2:])
            weight = torch.outer(rows, columns)[None, None]  # periodic, so that it smears over exactly ±1 bins
        mean = (weight * y).sum((2, 3), keepdim=True) / weight.sum()
        return _power(weight * (y - mean))

    def peak_and_background(self, power: Tensor) -> tuple[Tensor, Tensor]:
        """Σ_h P(h) and Σ_h B(h) of P (…, H, W), both (…)"""
        spacing = [n // self.stride for n in power.shape[-2:]]
        at_harmonics = (..., slice(None, None, spacing[0]), slice(None, None, spacing[1]))  # (…, s, s), DC first
        around = []
        for axis in (0, 1):
            distances = range(self.gap, min(self.gap + 2, spacing[axis] - self.gap) + 1)
            rolled = [power.roll(sign * distance, axis - 2) for distance in distances for sign in (-1, 1)]
            around.append(torch.stack(rolled).mean(0)[at_harmonics])
        background = (around[0] + around[1]) / 2
        background[..., :, 0], background[..., 0, :] = around[0][..., :, 0], around[1][..., 0, :]
        peaks = power[at_harmonics]
        return peaks.flatten(-2)[..., 1:].sum(-1), background.flatten(-2)[..., 1:].sum(-1)


class HarmonicExcess(HarmonicPeak):
    """`HarmonicPeak` of images less that of a reference, image by image, in dB; 0: harmonics as strong as there.

    `interval` is over the images. Peaks and backgrounds, two sums of the images and two of the reference, come as a
    vector v_n from each pair, and the logarithm of their ratios has the variance Σ_n (g·v_n)², g its gradient: the
    infinitesimal jackknife, which needs no more than Σ v_n and Σ v_n v_nᵀ.
    Source: Jaeckel 1972.
    """

    totals: Tensor
    products: Tensor
    count: Tensor

    def states(self, shape: Size2d) -> dict[str, tuple[int, ...]]:
        return {"totals": (4,), "products": (4, 4), "count": ()}

    def update(self, images: Tensor, reference: Tensor) -> None:  # type: ignore[override]
        sums = [self.peak_and_background(self.powers(each)) for each in (images, reference)]
        v = torch.stack([*sums[0], *sums[1]])  # (4, N)
        self.totals, self.products = self.totals + v.sum(1), self.products + v @ v.T
        self.count = self.count + len(images)

    def compute(self) -> Tensor:
        ours, theirs = (ratio(p, b, of_zeros=1.0).log10() for p, b in self.totals.unflatten(0, (2, 2)))
        return 10 * (ours - theirs)

    def interval(self) -> Tensor:
        """Half the 95 % interval of `compute()` over images like these, dB; inf for one pair."""
        if self.count < 2:
            return self.totals.new_tensor(math.inf)
        gradient = self.totals.new_tensor([1, -1, -1, 1]) / self.totals.where(self.totals > 0, math.inf)
        variance = (gradient @ self.products @ gradient).clamp(min=0) * self.count / (self.count - 1)
        return 1.96 * 10 / math.log(10) * variance.sqrt()


class RadialPowerSpectrum(Sums):
    """Power |FFT2(y)|²/HW, mean over images and over directions: (bins,) in pixel units squared, DC in the first bin.

    `frequencies` (cycles/pixel) are the centres of the bins, from 0 to the corner, sqrt(½); above ½ only diagonals
    remain. `counts`: FFT bins in each. White noise: σ² in every bin. Parseval: Σ counts·power / HW = mean y².
    Source: azimuthal averages as in Durall et al. 2020; equal steps up to the corner are ours.
    """

    power: Tensor
    images_seen: Tensor

    def __init__(self, image_size: Size2d, bins: int) -> None:
        height, width = image_size
        if bins < 2 or min(height, width) < 4:
            raise ValueError(f"bins={bins} on images of {height}x{width}: use 2 bins and 4x4 pixels, or more")
        shapes = {"power": (height, width), "images_seen": ()}
        super().__init__(f"radial_power_spectrum_{height}_{width}_{bins}", shapes)
        self.image_size, self.bins = (height, width), bins
        if (self.counts == 0).any():
            raise ValueError(
                f"bins={bins} leaves empty ones on {height}x{width}: use {min(height, width) // 2} or fewer"
            )

    @property
    def frequencies(self) -> Tensor:
        return torch.linspace(0, math.sqrt(0.5), self.bins, dtype=torch.float64, device=self.device)

    @property
    def counts(self) -> Tensor:
        return torch.bincount(self._bin(), minlength=self.bins)

    def _bin(self) -> Tensor:
        """(H·W,) index of the radial bin that each frequency of the FFT falls into."""
        rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64, device=self.device) for n in self.image_size)
        return (torch.hypot(rows[:, None], columns) * (self.bins - 1) / math.sqrt(0.5)).round().long().flatten()

    def update(self, images: Tensor) -> None:
        y = whole_periods(images, 1)
        _check_size(images, self.image_size)
        self.power = self.power + _power(y).sum(0) / y[0, 0].numel()
        self.images_seen = self.images_seen + y.shape[0] * y.shape[1]

    def compute(self) -> Tensor:
        total = self.power.new_zeros(self.bins).index_add(0, self._bin(), self.power.flatten())
        return ratio(total / self.counts, self.images_seen)


def _power(images: Tensor) -> Tensor:
    """Σ_c |FFT2(y)|², (N, H, W)"""
    power: Tensor = torch.fft.fft2(images).abs().square().sum(1)
    return power


def _check_size(images: Tensor, size: Size2d) -> None:
    if images.shape[-2:] != size:
        raise ValueError(f"images of {tuple(images.shape[-2:])} for a metric of image_size={size}: use the same size")
