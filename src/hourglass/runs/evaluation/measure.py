"""The measuring behind `evaluate`: a run's own test, on other images or corrupted in other ways."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from hourglass.config.identity import without_volatile
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import within
from hourglass.data.batches import Images
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.runs.evaluation.request import Evaluation, images_of
from hourglass.runs.load import load_run
from hourglass.runs.read import read_configuration, summary_of
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import quieten


class Measured(NamedTuple):
    metrics: dict[str, float]
    """`test/mse` and the others, as in `summary.json`"""
    fingerprint: str
    """8 hexadecimal digits of the test images"""


def refuse_other_images(run: Path, evaluation: Evaluation, fingerprint: str) -> None:
    """Raise DataError where a run is to be evaluated on its own test images, and they are not those of then."""
    own, asked = (without_volatile(one.plain)["data"] for one in (read_configuration(run), evaluation.configuration))
    recorded = summary_of(run).get("data", {}).get("test_fingerprint", fingerprint)
    if own == asked and recorded != fingerprint:
        raise DataError(
            f"{run} was tested on other images (fingerprint {recorded}, now {fingerprint}): put back those of then, or "
            f"choose the data by name, as in data={evaluation.data} data.root=FOLDER"
        )


class Measurer:
    """Measures runs by the same test loop and metrics as in training.

    Noise is the pure function of (seed, image) that it is there. The test images that were read last are kept: a
    ladder, and a sweep on one source, read them once.
    """

    def __init__(self, accelerator: str) -> None:
        self.accelerator = accelerator
        self._source = ""
        self._images: Images | None = None

    def measure(self, run: Path, evaluations: Sequence[Evaluation]) -> Iterator[Measured]:
        """The best weights of one run under each of the evaluations; raises ConfigError for images of another shape."""
        quieten()
        autoencoder = load_run(run, trust=evaluations[0].configuration.trust or ())
        parts = Parts(evaluations[0].configuration)
        seed = parts.settings.seed
        module = AutoencoderModule(autoencoder, parts.loss, parts.optimizer, parts.metrics, seed=seed, config={})
        if module.loss.state_dict():
            module.load_loss(read_checkpoint(within(checkpoint_path(run, "best"), run)))
        trainer = self._trainer(evaluations[0])
        for one in evaluations:
            data = self._data(one, autoencoder)
            fingerprint = data.fingerprint("test")
            refuse_other_images(run, one, fingerprint)
            (metrics,) = trainer.test(module, datamodule=data, verbose=False)
            yield Measured({name: float(value) for name, value in metrics.items()}, fingerprint)

    def _trainer(self, evaluation: Evaluation) -> Trainer:
        configured = evaluation.configuration.plain["trainer"]
        try:
            return Trainer(
                accelerator=self.accelerator, devices=1, precision=configured["precision"],
                limit_test_batches=configured["limit_test_batches"],  # a quick try is tested on as many as it was
                logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            )  # fmt: skip
        except MisconfigurationException as error:
            raise ConfigError(f"accelerator={self.accelerator}: {error} Use accelerator=auto") from error

    def _data(self, evaluation: Evaluation, autoencoder: Autoencoder) -> ImageData:
        data: ImageData = Parts(evaluation.configuration).data
        if tuple(data.image_shape) != tuple(autoencoder.image_shape):
            theirs, ours = ("×".join(map(str, shape)) for shape in (data.image_shape, autoencoder.image_shape))
            raise ConfigError(
                f"data={evaluation.data} has images of {theirs}, and the run was trained on {ours}: choose data of "
                f"that shape, or data=synthetic data.image_shape=[{ours.replace('×', ',')}]"
            )
        data.images = {"test": self._images_of(evaluation, data)}
        return data

    def _images_of(self, evaluation: Evaluation, data: ImageData) -> Images:
        plain = evaluation.configuration.plain["data"]
        source = json.dumps([images_of(evaluation.configuration), plain.get("root")], sort_keys=True)
        if self._images is None or source != self._source:
            self._images = None  # two sets of images need not fit into memory
            data.setup("test")
            self._source, self._images = source, data.images["test"]
        return self._images
