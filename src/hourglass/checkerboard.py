"""What a network does to the grid of an image: reconstructions, untrained and trained, beside the images themselves.

Names: `test/…` of the best weights, `init/…` before the first step, `real/…` of the test images, the reference value:
a metric is never to be held against 0 alone. A trailing number is the stride (`phase_bias_2`), the shift in pixels
(`shift_consistency_1`) or the stage of the decoder, image side first (`flat_field_ripple_1`).
"""

import csv
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor

from hourglass.autoencoder import Autoencoder
from hourglass.data.module import Batch, ImageData
from hourglass.decoders import ConvDecoder
from hourglass.files import replacing
from hourglass.metrics import (
    HarmonicPeak,
    PhaseBias,
    PhaseErrorImbalance,
    RadialPowerSpectrum,
    ShiftConsistency,
    flat_field_ripple,
    high_pass,
)
from hourglass.module import AutoencoderModule
from hourglass.spec import Count

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


class Checkerboards(Callback):
    """Measures before the first step, and again at the test with the best weights; writes `spectra.csv` beside.

    `images` test images are enough: the metrics are ratios of sums over them. Every rank measures the same ones.
    """

    def __init__(self, *, images: Count) -> None:
        self.images = images
        self.at_start: Values = {}

    def state_dict(self) -> dict[str, Any]:
        return {"at_start": self.at_start}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.at_start = state_dict["at_start"]

    def on_train_start(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        if trainer.global_step == 0:
            values = of_autoencoder(module.autoencoder, self._batch(trainer, module))
            self.at_start = {f"init/{name}": value for name, value in values.items()}

    def on_test_epoch_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        batch = self._batch(trainer, module)
        trained = of_autoencoder(module.autoencoder, batch)
        real = of_images(batch.target, module.autoencoder.encoder.strides)
        values = {f"test/{name}": value for name, value in trained.items()} | self.at_start
        module.log_dict(values | {f"real/{name}": value for name, value in real.items()})
        if min(batch.target.shape[-2:]) >= 4:
            columns = spectra(module.autoencoder, batch)  # on every rank, for the metrics' sums are gathered
            if trainer.is_global_zero:
                write_columns(Path(trainer.default_root_dir) / "spectra.csv", columns)

    def _batch(self, trainer: Trainer, module: AutoencoderModule) -> Batch:
        data: ImageData = trainer.datamodule  # type: ignore[attr-defined]
        return data.pick("test", range(min(self.images, len(data.images["test"]))), module.device)


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


def write_columns(path: Path, columns: dict[str, list[float]]) -> None:
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
