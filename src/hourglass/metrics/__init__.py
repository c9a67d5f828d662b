"""Checkerboards, shifts and spectra as numbers.

The literature has no standard checkerboard index. The definitions here are ours; where they turn a known condition into
a number, the docstring names it. Up-sampling by s can leave patterns of period s, so most of them compare the s²
*phases* of an image, the pixels with the same (i mod s, j mod s); use s = 2, and 4, 8 for stacked stages. Images are
(N, C, H, W) of any dtype, cropped at the bottom and right to multiples of s. Report each value for the untrained and
the trained model, and beside the value of real images, which is not 0 either.
"""

from hourglass.metrics.images import (
    HarmonicPeak,
    PhaseBias,
    PhaseErrorImbalance,
    PhaseErrorVariation,
    RadialPowerSpectrum,
    high_pass,
)
from hourglass.metrics.models import ShiftConsistency, flat_field_gain_share, flat_field_ripple

__all__ = [
    "HarmonicPeak",
    "PhaseBias",
    "PhaseErrorImbalance",
    "PhaseErrorVariation",
    "RadialPowerSpectrum",
    "ShiftConsistency",
    "flat_field_gain_share",
    "flat_field_ripple",
    "high_pass",
]
