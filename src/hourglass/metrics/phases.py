"""Metrics of images by phase: patterns of period s, and errors that depend on the phase."""

import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.metrics.base import Sums, anchor, check_stride, phases, ratio, whole_periods

DRAWS = 4000
"""Of a metric by chance: how many, always the same ones."""


class PhaseBias(Sums):
    """PB = Σ_{n,c} mean_p (μ_p - m)² / Σ_{n,c} mean (y - m)², in [0, 1]; 1: nothing but a pattern of period s.

    μ_p is the mean of phase p, m that of the image. It is the η² of "phase" in an analysis of variance and, by
    Parseval, the share of the power, DC apart, in the s² - 1 bins (aH/s, bW/s). White noise: (s² - 1)/(HW - 1);
    constant images: 0. A trend gives a bias without any pattern, because the phases lie at different places of it: a
    ramp along one axis of L pixels (s² - 1)/(L² - 1), as much as white noise. `DetrendedPhaseBias` does not see it.
    Source: ours, from the condition that all polyphase components have the same DC gain (Sugawara et al. 2018).
    """

    higher_is_better = False
    periods = 2
    """How many of them an image must hold"""
    between: Tensor
    total: Tensor

    def __init__(self, stride: int, border: int = 0) -> None:
        check_stride(stride, border)
        super().__init__(f"{type(self).__name__}_{stride}_{border}", {"between": (), "total": ()})
        self.stride, self.border = stride, border

    def update(self, images: Tensor) -> None:
        y = anchor(whole_periods(images, self.stride, self.border, self.periods))
        self.between = self.between + phases(self.pattern(y), self.stride).mean((2, 4)).var((2, 3), correction=0).sum()
        self.total = self.total + y.var((2, 3), correction=0).sum()

    def pattern(self, y: Tensor) -> Tensor:
        """The images whose phase means are compared, whole periods of them."""
        return y

    def compute(self) -> Tensor:
        return ratio(self.between, self.total).clamp(max=1)


class DetrendedPhaseBias(PhaseBias):
    """`PhaseBias` with the phase means of y - T(y) in place of those of y: 0 for ramps too.

    T is the centred moving average over a period, along both axes, as in the classical decomposition of a series into
    trend, season and rest; for an even s its ends count half. It keeps whatever is linear along each axis and removes
    every pattern of period s and mean 0, so that trends vanish (of quadratic ones a constant remains, which no phase
    differs in) and patterns stay as they are. The phase means leave out the s/2 pixels at each border that have no
    whole average; the variance is that of the image, as in `PhaseBias`. White noise: a little above (s² - 1)/(HW - 1).
    Source: ours; the moving average is Macaulay's (1931).
    """

    periods = 3

    def pattern(self, y: Tensor) -> Tensor:
        s, half = self.stride, self.stride // 2
        trend = F.avg_pool2d(y, s, stride=1)
        if s % 2 == 0:
            trend = F.avg_pool2d(trend, 2, stride=1)
        height, width = trend.shape[-2:]
        return whole_periods(y[..., half : half + height, half : half + width] - trend, s)


def high_pass(images: Tensor) -> Tensor:
    """y - box3(y), float64, same shape: an error that needs no reference. Reflected at the border. Constant: 0."""
    y = anchor(whole_periods(images, 1))
    return y - F.avg_pool2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), 3, stride=1)


class PhaseErrorImbalance(Sums):
    """PEI = (max E - min E)/(max E + min E) in [0, 1], where E_p = mean e² over phase p; 0: the same in all phases.

    The error e is `reconstruction - target`, or `high_pass(reconstruction)`. Zero error: 0. The largest and smallest of
    s² estimates differ by chance too: for independent pixels sd(E_p)/E_p ≈ sqrt((kurtosis - 1)/n_p), n_p pixels a
    phase. Those of an image are not independent: `by_chance` tells what such errors give.
    Source: ours.
    """

    higher_is_better = False
    energy: Tensor
    spectrum: Tensor

    def __init__(self, stride: int, border: int = 0) -> None:
        check_stride(stride, border)
        shape = (stride, stride)
        super().__init__(f"phase_error_{stride}_{border}", {"energy": shape, "spectrum": shape})
        self.stride, self.border = stride, border

    def update(self, error: Tensor) -> None:
        e = phases(whole_periods(error, self.stride, self.border), self.stride)
        energy = e.square().sum((1, 2, 4))  # (N, s, s); every phase has as many pixels: E_p up to a factor
        self.energy = self.energy + energy.sum(0)
        self.spectrum = self.spectrum + torch.fft.fft2(energy).abs().square().sum(0)

    def compute(self) -> Tensor:
        return self.of(self.energy)

    def of(self, energy: Tensor) -> Tensor:
        """(…, s, s) -> (…)"""
        low, high = energy.amin((-2, -1)), energy.amax((-2, -1))
        return ratio(high - low, high + low)

    def by_chance(self) -> tuple[Tensor, Tensor]:
        """Mean and 95 % point of the value for as many such images whose errors prefer no phase.

        It is as if the errors of each image were shifted by a random phase of its own. The sum of many such energies is
        a normal field, the power of whose wave k is Σ_n |FFT2(E_n)(k)|²; it is drawn 4,000 times. One image alone tells
        nothing about chance.
        """
        seeded = torch.Generator().manual_seed(0)
        noise = torch.randn(DRAWS, *self.energy.shape, dtype=torch.float64, generator=seeded).to(self.energy)
        waves = torch.fft.fft2(noise) * (self.spectrum.sqrt() / self.stride)
        waves[:, 0, 0] = self.energy.sum()
        values = self.of(torch.fft.ifft2(waves).real.clamp(min=0))
        return values.mean(), values.quantile(0.95)


class PhaseErrorVariation(PhaseErrorImbalance):
    """CV = std_p E / mean_p E in [0, sqrt(s² - 1)]: `PhaseErrorImbalance` from all phases, not only the extremes."""

    def of(self, energy: Tensor) -> Tensor:
        return ratio(energy.std((-2, -1), correction=0), energy.mean((-2, -1)))
