"""Metrics of images: patterns of period s, errors by phase, power spectra."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.core.types import Size2d
from hourglass.metrics.base import Sums, anchor, check_stride, phases, ratio, whole_periods


class PhaseBias(Sums):
    """PB = Σ_{n,c} mean_p (μ_p - m)² / Σ_{n,c} mean (y - m)², in [0, 1]; 0: no pattern of period s, 1: nothing else.

    μ_p is the mean of phase p, m that of the image. It is the η² of "phase" in an analysis of variance and, by
    Parseval, the share of the power, DC apart, in the s² - 1 bins (aH/s, bW/s). White noise: (s² - 1)/(HW - 1);
    constant images: 0.
    Source: ours, from the condition that all polyphase components have the same DC gain (Sugawara et al. 2018).
    """

    higher_is_better = False
    between: Tensor
    total: Tensor

    def __init__(self, stride: int, border: int = 0) -> None:
        check_stride(stride, border)
        super().__init__(f"phase_bias_{stride}_{border}", {"between": (), "total": ()})
        self.stride, self.border = stride, border

    def update(self, images: Tensor) -> None:
        y = phases(anchor(whole_periods(images, self.stride, self.border)), self.stride)
        self.between = self.between + y.mean((2, 4)).var((2, 3), correction=0).sum()
        self.total = self.total + y.var((2, 3, 4, 5), correction=0).sum()

    def compute(self) -> Tensor:
        return ratio(self.between, self.total).clamp(max=1)


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
        super().__init__(f"harmonic_peak_{stride}_{height}_{width}_{window}", {"power": shape})
        self.stride, self.image_size, self.window, self.gap = stride, (height, width), window, gap

    def update(self, images: Tensor) -> None:
        y = anchor(whole_periods(images, self.stride))
        _check_size(images, self.image_size)
        weight = torch.ones_like(y[:1, :1])
        if self.window:
            rows, columns = (torch.hann_window(n, dtype=y.dtype, device=y.device) for n in y.shape[-2:])
            weight = torch.outer(rows, columns)[None, None]  # periodic, so that it smears over exactly ±1 bins
        mean = (weight * y).sum((2, 3), keepdim=True) / weight.sum()
        self.power = self.power + _power(weight * (y - mean))

    def compute(self) -> Tensor:
        spacing = [n // self.stride for n in self.power.shape]
        at_harmonics = (slice(None, None, spacing[0]), slice(None, None, spacing[1]))  # (s, s), DC first
        around = []
        for axis in (0, 1):
            distances = range(self.gap, min(self.gap + 2, spacing[axis] - self.gap) + 1)
            rolled = [self.power.roll(sign * distance, axis) for distance in distances for sign in (-1, 1)]
            around.append(torch.stack(rolled).mean(0)[at_harmonics])
        background = (around[0] + around[1]) / 2
        background[:, 0], background[0, :] = around[0][:, 0], around[1][0, :]
        peaks = self.power[at_harmonics]
        return 10 * ratio(peaks.flatten()[1:].sum(), background.flatten()[1:].sum(), of_zeros=1.0).log10()


def high_pass(images: Tensor) -> Tensor:
    """y - box3(y), float64, same shape: an error that needs no reference. Reflected at the border. Constant: 0."""
    y = anchor(whole_periods(images, 1))
    return y - F.avg_pool2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), 3, stride=1)


class PhaseErrorImbalance(Sums):
    """PEI = (max E - min E)/(max E + min E) in [0, 1], where E_p = mean e² over phase p; 0: the same in all phases.

    The error e is `reconstruction - target`, or `high_pass(reconstruction)`. Zero error: 0. The largest and
    smallest of s² estimates differ by chance too: sd(E_p)/E_p ≈ sqrt((kurtosis - 1)/n_p) for n_p pixels a phase.
    Source: ours.
    """

    higher_is_better = False
    energy: Tensor

    def __init__(self, stride: int, border: int = 0) -> None:
        check_stride(stride, border)
        super().__init__(f"phase_error_{stride}_{border}", {"energy": (stride, stride)})
        self.stride, self.border = stride, border

    def update(self, error: Tensor) -> None:
        e = phases(whole_periods(error, self.stride, self.border), self.stride)
        self.energy = self.energy + e.square().sum((0, 1, 2, 4))  # every phase has as many pixels: E_p up to a factor

    def compute(self) -> Tensor:
        low, high = self.energy.aminmax()
        return ratio(high - low, high + low)


class PhaseErrorVariation(PhaseErrorImbalance):
    """CV = std_p E / mean_p E in [0, sqrt(s² - 1)]: `PhaseErrorImbalance` from all phases, not only the extremes."""

    def compute(self) -> Tensor:
        return ratio(self.energy.std(correction=0), self.energy.mean())


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
        self.power = self.power + _power(y) / y[0, 0].numel()
        self.images_seen = self.images_seen + y.shape[0] * y.shape[1]

    def compute(self) -> Tensor:
        total = self.power.new_zeros(self.bins).index_add(0, self._bin(), self.power.flatten())
        return ratio(total / self.counts, self.images_seen)


def _power(images: Tensor) -> Tensor:
    """Σ_{n,c} |FFT2(y)|², (H, W)"""
    power: Tensor = torch.fft.fft2(images).abs().square().sum((0, 1))
    return power


def _check_size(images: Tensor, size: Size2d) -> None:
    if images.shape[-2:] != size:
        raise ValueError(f"images of {tuple(images.shape[-2:])} for a metric of image_size={size}: use the same size")
