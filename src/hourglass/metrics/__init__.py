"""Checkerboards, shifts, spectra and costs as numbers; what to hold them against is in `hourglass.metrics.baselines`.

The literature has no standard checkerboard index. The definitions here are ours; where one turns a known condition into
a number, its docstring names it. Up-sampling by s can leave patterns of period s, so most metrics compare the s²
*phases* of an image, the pixels with the same (i mod s, j mod s); use s = 2, and 4, 8 for stacked stages. Images are
(N, C, H, W) of any dtype, cropped at the bottom and right to multiples of s. Report each value for the untrained and
the trained model, beside the value of real images, which is not 0 either.
"""

from hourglass.core.measures import Measure
from hourglass.metrics.autoencoders import of_autoencoder, of_images, ripples, spectra
from hourglass.metrics.cost import macs, operator_macs
from hourglass.metrics.frequencies import HarmonicExcess, HarmonicPeak, RadialPowerSpectrum
from hourglass.metrics.models import ShiftConsistency, flat_field_gain_share, flat_field_ripple
from hourglass.metrics.phases import (
    DetrendedPhaseBias,
    PhaseBias,
    PhaseErrorImbalance,
    PhaseErrorVariation,
    high_pass,
)
from hourglass.metrics.reconstruction import MSE, MSSSIM, PSNR, SSIM, PSNRGain, PSNRInput, PSNRPerImage

__all__ = [
    "MSE", "MSSSIM", "PSNR", "SSIM", "DetrendedPhaseBias", "HarmonicExcess", "HarmonicPeak", "Measure", "PSNRGain",
    "PSNRInput", "PSNRPerImage", "PhaseBias", "PhaseErrorImbalance", "PhaseErrorVariation", "RadialPowerSpectrum",
    "ShiftConsistency", "flat_field_gain_share", "flat_field_ripple", "high_pass", "macs", "of_autoencoder",
    "of_images", "operator_macs", "ripples", "spectra",
]  # fmt: skip
