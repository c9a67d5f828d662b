"""What a network does to the grid of an image: reconstructions, untrained and trained, beside the images themselves.

Names: `test/…` of the best weights, `init/…` before the first step, `real/…` of the test images, the reference value:
a metric is never to be held against 0 alone. A trailing number is the stride (`phase_bias_2`), the shift in pixels
(`shift_consistency_1`) or the stage of the decoder, image side first (`flat_field_ripple_1`).
"""

import torch
from torch import Tensor

from hourglass.data.batches import Batch
from hourglass.metrics import (
    HarmonicPeak,
    PhaseBias,
    PhaseErrorImbalance,
    RadialPowerSpectrum,
    ShiftConsistency,
    flat_field_ripple,
    high_pass,
)
from hourglass.nn.autoencoder import Autoencoder
from hourglass.nn.decoders import ConvDecoder

CHUNK = 100
"""Images that are measured at once."""


Values = dict[str, float]


def of_images(images: Tensor, strides: tuple[int, ...]) -> Values:
    """Metrics of images by themselves, (N, C, H, W); a stride of which an image holds too few periods is left out."""
    values: Values = {}
    side = min(images.shape[-2:])
    for s in (s for s in strides if side >= 2 * s):
        bias, imbalance = PhaseBias(s), PhaseErrorImbalance(s)
        for chunk in images.split(CHUNK):
            bias.update(chunk)
            imbalance.update(high_pass(chunk))
        values |= {f"phase_bias_{s}": float(bias.compute()), f"phase_imbalance_{s}": float(imbalance.compute())}
        window = side >= 4 * s
        peak = HarmonicPeak(s, (images.shape[-2], images.shape[-1]), window)
        for chunk in images.split(CHUNK):
            peak.update(chunk)
        values[f"harmonic_peak_{s}"] = float(peak.compute())
    return values


@torch.no_grad()
def of_autoencoder(autoencoder: Autoencoder, batch: Batch) -> Values:
    """All metrics of an autoencoder on a batch; it is measured in `eval` mode and left in the mode it had."""
    training = autoencoder.training
    autoencoder.eval()
    strides = autoencoder.encoder.strides
    output = torch.cat([autoencoder(chunk) for chunk in batch.input.split(CHUNK)])
    values = of_images(output, strides)
    side = min(output.shape[-2:])
    for s in (s for s in strides if side >= 2 * s):
        imbalance = PhaseErrorImbalance(s)
        imbalance.update(output - batch.target)
        values[f"phase_error_imbalance_{s}"] = float(imbalance.compute())
    border = side // 4
    for shift in sorted({1, 2, *strides[-1:]}):
        if shift <= border:
            consistency = ShiftConsistency(shift, border)
            for chunk in batch.input.split(CHUNK):
                consistency.update(autoencoder, chunk)
            values[f"shift_consistency_{shift}"] = float(consistency.compute())
    values |= ripples(autoencoder, batch.input[:CHUNK])
    autoencoder.train(training)
    return values


@torch.no_grad()
def ripples(autoencoder: Autoencoder, images: Tensor) -> Values:
    """Flat-field ripple of each operator of the decoder, at the mean activation that it really gets.

    None where an operator places values by positions of the encoder: a flat field has none.
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
def spectra(autoencoder: Autoencoder, batch: Batch) -> dict[str, list[float]]:
    """Radially averaged power of input, target, output and error, beside the frequency in cycles a pixel."""
    output = torch.cat([autoencoder(chunk) for chunk in batch.input.split(CHUNK)])
    columns = {"input": batch.input, "target": batch.target, "output": output, "error": output - batch.target}
    size = (output.shape[-2], output.shape[-1])
    powers: dict[str, list[float]] = {}
    for name, images in columns.items():
        spectrum = RadialPowerSpectrum(size, min(size) // 2)
        spectrum.update(images.cpu())
        powers["frequency"] = spectrum.frequencies.tolist()
        powers[name] = spectrum.compute().tolist()
    return powers
