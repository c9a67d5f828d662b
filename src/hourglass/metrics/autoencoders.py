"""The checkerboard metrics of an autoencoder by name: of its output, its response to shifts, its decoder's operators.

A trailing number is the stride (`phase_bias_2`), the shift in pixels (`shift_consistency_1`) or the stage of the
decoder, image side first (`flat_field_ripple_1`).
"""

import torch
from torch import Tensor

from hourglass.metrics.frequencies import HarmonicExcess, HarmonicPeak, RadialPowerSpectrum
from hourglass.metrics.models import ShiftConsistency, flat_field_ripple
from hourglass.metrics.phases import DetrendedPhaseBias, PhaseBias, PhaseErrorImbalance, high_pass
from hourglass.nn.autoencoder import Autoencoder
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.layers import evaluating

CHUNK = 100
"""Images that are measured at once."""

Values = dict[str, float]


def of_images(images: Tensor, strides: tuple[int, ...]) -> Values:
    """Metrics of images alone, (N, C, H, W); strides with fewer than two periods in an image are left out."""
    values: Values = {}
    side = min(images.shape[-2:])
    for s in (s for s in strides if side >= 2 * s):
        bias, imbalance = PhaseBias(s), PhaseErrorImbalance(s)
        for chunk in images.split(CHUNK):
            bias.update(chunk)
            imbalance.update(high_pass(chunk))
        values |= {f"phase_bias_{s}": float(bias.compute()), f"phase_imbalance_{s}": float(imbalance.compute())}
        peak = HarmonicPeak(s, (images.shape[-2], images.shape[-1]), window=side >= 4 * s)
        for chunk in images.split(CHUNK):
            peak.update(chunk)
        values[f"harmonic_peak_{s}"] = float(peak.compute())
        if side >= 3 * s:
            detrended = DetrendedPhaseBias(s)
            for chunk in images.split(CHUNK):
                detrended.update(chunk)
            values[f"detrended_phase_bias_{s}"] = float(detrended.compute())
    return values


def against(output: Tensor, target: Tensor, strides: tuple[int, ...]) -> Values:
    """Metrics of images (N, C, H, W) that were to be `target`: their errors by phase, their harmonics beside its own.

    With what tells whether a value is one: PEI by chance, and half the 95 % interval of the harmonic excess.
    """
    values: Values = {}
    side = min(output.shape[-2:])
    for s in (s for s in strides if side >= 2 * s):
        imbalance = PhaseErrorImbalance(s)
        excess = HarmonicExcess(s, (output.shape[-2], output.shape[-1]), window=side >= 4 * s)
        for made, wanted in zip(output.split(CHUNK), target.split(CHUNK), strict=True):
            imbalance.update(made - wanted)
            excess.update(made, wanted)
        chance, limit = imbalance.by_chance()
        values |= {
            f"phase_error_imbalance_{s}": float(imbalance.compute()),
            f"phase_error_chance_{s}": float(chance),
            f"phase_error_chance_95_{s}": float(limit),
            f"harmonic_excess_{s}": float(excess.compute()),
            f"harmonic_excess_interval_{s}": float(excess.interval()),
        }
    return values


@torch.no_grad()
def of_autoencoder(autoencoder: Autoencoder, input: Tensor, target: Tensor) -> Values:
    """All metrics of an autoencoder on `input`, which should become `target`, both (N, C, H, W) in [0, 1].

    It is measured in `eval` mode; the mode it had is restored.
    """
    with evaluating(autoencoder):
        strides = autoencoder.encoder.strides
        output = torch.cat([autoencoder(chunk) for chunk in input.split(CHUNK)])
        values = of_images(output, strides) | against(output, target, strides)
        border = min(output.shape[-2:]) // 4
        for shift in sorted({1, 2, *strides[-1:]}):
            if shift <= border:
                consistency = ShiftConsistency(shift, border)
                for chunk, of_it in zip(input.split(CHUNK), output.split(CHUNK), strict=True):
                    consistency.update(autoencoder, chunk, of_it)
                values[f"shift_consistency_{shift}"] = float(consistency.compute())
        values |= ripples(autoencoder, input[:CHUNK])
    return values


@torch.no_grad()
def ripples(autoencoder: Autoencoder, images: Tensor) -> Values:
    """Flat-field ripple of each operator of the decoder, at the mean of the activations that reach it.

    Empty where the operators need positions from the encoder, which a flat field does not have.
    """
    decoder = autoencoder.decoder
    if not isinstance(decoder, ConvDecoder) or decoder.needs_index is not None:
        return {}
    encoded = autoencoder.encoder(images)
    code = autoencoder.latent(encoded.code).code
    values: Values = {}
    for i, up, y, x in decoder.walk(encoded._replace(code=code)):
        ripple = flat_field_ripple(up, y.mean((0, 2, 3)), x.std((0, 2, 3)), autoencoder.encoder.factor)
        values[f"flat_field_ripple_{i + 1}"] = float(ripple)
    return values


@torch.no_grad()
def spectra(autoencoder: Autoencoder, input: Tensor, target: Tensor) -> dict[str, list[float]]:
    """Columns: `frequency` in cycles per pixel; radially averaged power of `input`, `target`, `output` and `error`."""
    output = torch.cat([autoencoder(chunk) for chunk in input.split(CHUNK)])
    columns = {"input": input, "target": target, "output": output, "error": output - target}
    size = (output.shape[-2], output.shape[-1])
    powers: dict[str, list[float]] = {}
    for name, images in columns.items():
        spectrum = RadialPowerSpectrum(size, min(size) // 2)
        spectrum.update(images.cpu())
        powers["frequency"] = spectrum.frequencies.tolist()
        powers[name] = spectrum.compute().tolist()
    return powers
