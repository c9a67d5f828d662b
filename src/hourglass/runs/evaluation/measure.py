"""The measuring behind `evaluate`: a run's own test, on other images or corrupted in other ways."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from hourglass.config.identity import without_volatile
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded, within
from hourglass.data.batches import Images
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.runs.baselines.compute import baselines_of
from hourglass.runs.baselines.names import ratios
from hourglass.runs.evaluation.bound import importance_weighted, why_no_bound
from hourglass.runs.evaluation.codes.probe import probed, refuse_unfit
from hourglass.runs.evaluation.codes.probe_options import default_options
from hourglass.runs.evaluation.request import IWAE, RATIO, Evaluation, Options, images_of
from hourglass.runs.evaluation.select import refuse_changed_images
from hourglass.runs.load import load_run
from hourglass.runs.read import read_configuration, summary_of
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.losses import counts_no_pixel
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import quieten

OF_LOSS = ("test/loss", "test/reconstruction")
"""What there is none of where the loss is about no pixel: it would be 0, as of a perfect reconstruction."""


class Measured(NamedTuple):
    metrics: dict[str, float]
    """`test/mse` and the others, as in `summary.json`"""
    fingerprint: str
    """8 hexadecimal digits of the test images"""


def refuse_other_images(run: Path, evaluation: Evaluation, fingerprint: str) -> None:
    """Raise DataError where a run is to be evaluated on its own test images, and they are not those of then."""
    own, asked = (without_volatile(one.plain)["data"] for one in (read_configuration(run), evaluation.configuration))
    if own == asked:
        cure = f"put back those of then, or choose the data by name, as in data={evaluation.data} data.root=FOLDER"
        refuse_changed_images(run, summary_of(run), fingerprint, cure)


def held_against(baselines: dict[str, float], metrics: dict[str, float]) -> dict[str, float]:
    """The MSEs among the baselines as `baseline/…`, and `test/mse` over them as `ratio/…`."""
    errors = {name: value for name, value in baselines.items() if name not in ("bce_entropy", "ppca")}
    over = ratios(errors, metrics["test/mse"])
    return {f"baseline/{name}": value for name, value in errors.items()} | {
        f"{RATIO}{name}": value for name, value in over.items()
    }


class Measurer:
    """Measures runs by the same test loop and metrics as in training.

    Noise is the pure function of (seed, image) that it is there. The test images that were read last are kept: a
    ladder, and a sweep on one source, read them once.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._source = ""
        self._images: dict[str, Images] | None = None

    def measure(self, run: Path, evaluations: Sequence[Evaluation]) -> Iterator[Measured]:
        """The best weights of one run under each of the evaluations; raises ConfigError for images of another shape, or
        of which nothing is known that a probe could read; and behind the last, where `iwae` has nothing to estimate."""
        quieten()
        autoencoder = load_run(run, trust=evaluations[0].configuration.trust or ())
        parts = Parts(evaluations[0].configuration)
        seed = parts.settings.seed
        module = AutoencoderModule(autoencoder, parts.loss, parts.optimizer, parts.metrics, seed=seed, config={})
        if module.loss.state_dict():
            module.load_loss(read_checkpoint(within(checkpoint_path(run, "best"), run)))
        boundless = None if self.options.iwae is None else why_no_bound(module)
        trainer = self._trainer(evaluations[0])
        for one in evaluations:
            data = self._data(one, autoencoder)
            fingerprint = data.fingerprint("test")
            refuse_other_images(run, one, fingerprint)
            if self.options.probe:
                refuse_unfit(data, default_options())
            (metrics,) = trainer.test(module, datamodule=data, verbose=False)
            measured = {name: float(value) for name, value in metrics.items()}
            if counts_no_pixel(module.loss, data.corruption, data.image_shape):
                measured = {name: value for name, value in measured.items() if name not in OF_LOSS}
            if self.options.iwae is not None and boundless is None:
                bound = importance_weighted(module, data, trainer, self.options.iwae)
                measured[f"{IWAE}{self.options.iwae}"] = bound
            if self.options.probe:
                measured |= probed(autoencoder, data, default_options(), corrupted=True)
            if self.options.baselines is not None:
                measured |= held_against(baselines_of(module, data, str(expanded(self.options.baselines))), measured)
            yield Measured(measured, fingerprint)
        if boundless is not None:
            raise ConfigError(boundless)

    def _trainer(self, evaluation: Evaluation) -> Trainer:
        configured = evaluation.configuration.plain["trainer"]
        try:
            return Trainer(
                accelerator=self.options.accelerator, devices=1, precision=configured["precision"],
                limit_test_batches=configured["limit_test_batches"],  # a quick try is tested on as many as it was
                logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            )  # fmt: skip
        except MisconfigurationException as error:
            raise ConfigError(f"accelerator={self.options.accelerator}: {error} Use accelerator=auto") from error

    def _data(self, evaluation: Evaluation, autoencoder: Autoencoder) -> ImageData:
        data: ImageData = Parts(evaluation.configuration).data
        if tuple(data.image_shape) != tuple(autoencoder.image_shape):
            theirs, ours = ("×".join(map(str, shape)) for shape in (data.image_shape, autoencoder.image_shape))
            raise ConfigError(
                f"data={evaluation.data} has images of {theirs}, and the run was trained on {ours}: choose data of "
                f"that shape, or data=synthetic data.image_shape=[{ours.replace('×', ',')}]"
            )
        data.images = self._images_of(evaluation, data)
        return data

    def _images_of(self, evaluation: Evaluation, data: ImageData) -> dict[str, Images]:
        """Of the test; for a probe, and for baselines, of training and validation too."""
        plain = evaluation.configuration.plain["data"]
        every = self.options.probe or self.options.baselines is not None
        told = without_volatile(evaluation.configuration.plain)["data"] if every else None
        source = json.dumps([images_of(evaluation.configuration), plain.get("root"), told], sort_keys=True)
        if self._images is None or source != self._source:
            self._images = None  # two sets of images need not fit into memory
            data.setup(None if every else "test")
            self._source, self._images = source, data.images
        return self._images
