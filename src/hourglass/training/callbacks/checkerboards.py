"""What a network does to the grid of an image: reconstructions, untrained and trained, beside the images themselves.

Names: `test/…` of the best weights, `init/…` before the first step, `real/…` of the test images, the reference value:
a metric is never to be held against 0 alone. A trailing number is the stride (`phase_bias_2`), the shift in pixels
(`shift_consistency_1`) or the stage of the decoder, image side first (`flat_field_ripple_1`).
"""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer

from hourglass.core.files import replacing
from hourglass.core.types import Count
from hourglass.data.batches import Batch
from hourglass.data.datamodule import ImageData
from hourglass.metrics.autoencoders import Values, of_autoencoder, of_images, spectra
from hourglass.training.module import AutoencoderModule


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


def write_columns(path: Path, columns: dict[str, list[float]]) -> None:
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
