"""The checkerboard metrics of a run, and `spectra.csv`: see `hourglass.metrics.autoencoders` for their names."""

import csv
from pathlib import Path

from lightning.pytorch import Trainer

from hourglass.core.files import replacing
from hourglass.core.types import Count
from hourglass.metrics.autoencoders import Values, of_autoencoder, of_images, spectra
from hourglass.training.callbacks.stateful import Stateful
from hourglass.training.lookup import first_images
from hourglass.training.module import AutoencoderModule


class Checkerboards(Stateful):
    """Measures before the first step, `init/…`, and at the test with the best weights, `test/…`.

    `real/…` are the same metrics of the test images themselves, which is what to compare with: 0 is not what an image
    has. `images` test images are enough: the metrics are ratios of sums over them. Every rank measures the same ones.
    """

    state_key, kept = "hourglass.checkerboards", ("at_start",)

    def __init__(self, *, images: Count) -> None:
        self.images = images
        self.at_start: Values = {}

    def on_train_start(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        if trainer.global_step == 0:
            batch = first_images(trainer, "test", self.images, module.device)
            values = of_autoencoder(module.autoencoder, batch.input, batch.target)
            self.at_start = {f"init/{name}": value for name, value in values.items()}

    def on_test_epoch_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        batch = first_images(trainer, "test", self.images, module.device)
        trained = of_autoencoder(module.autoencoder, batch.input, batch.target)
        real = of_images(batch.target, module.autoencoder.encoder.strides)
        values = {f"test/{name}": value for name, value in trained.items()} | self.at_start
        module.log_dict(values | {f"real/{name}": value for name, value in real.items()})
        if min(batch.target.shape[-2:]) >= 4:
            # on every rank, for the metrics' sums are gathered
            columns = spectra(module.autoencoder, batch.input, batch.target)
            if trainer.is_global_zero:
                write_columns(Path(trainer.default_root_dir) / "spectra.csv", columns)


def write_columns(path: Path, columns: dict[str, list[float]]) -> None:
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
