"""The measuring behind `python evaluate.py`: a run's own test, on other images or corrupted in other ways."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf

from hourglass.core.errors import ConfigError
from hourglass.data.batches import Images
from hourglass.data.datamodule import ImageData
from hourglass.nn.autoencoder import Autoencoder
from hourglass.runs import build
from hourglass.runs.evaluation.request import Evaluation
from hourglass.runs.train import quieten
from hourglass.training.module import AutoencoderModule


class Measured(NamedTuple):
    metrics: dict[str, float]
    """`test/mse` and the others, as in `summary.json`."""
    fingerprint: str
    """8 hexadecimal digits of the images."""


def measure(run: Path, evaluations: Sequence[Evaluation], accelerator: str) -> Iterator[Measured]:
    """The best weights of one run under each of the evaluations, by the same test loop and metrics as in training.

    Noise is the pure function of (seed, image) that it is there. Raises ConfigError for images of another shape.
    """
    quieten()
    config = evaluations[0].config
    build.refuse_foreign_code(OmegaConf.to_container(config, resolve=False), run / ".hydra" / "config.yaml")
    autoencoder = build.load_run(run)
    module = AutoencoderModule(
        autoencoder, build.part(config, "loss"), build.part(config, "optimizer"), seed=config.seed, config={}
    )
    try:
        trainer = Trainer(
            accelerator=accelerator, devices=1, precision=config.trainer.precision,
            limit_test_batches=config.trainer.limit_test_batches,  # a quick try is tested on as many as it was
            logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
    except MisconfigurationException as error:
        raise ConfigError(f"accelerator={accelerator}: {error} Use accelerator=auto") from error
    for one in evaluations:
        data = _data(one, autoencoder)
        (metrics,) = trainer.test(module, datamodule=data, verbose=False)
        yield Measured({name: float(value) for name, value in metrics.items()}, data.fingerprint)


def _data(evaluation: Evaluation, autoencoder: Autoencoder) -> ImageData:
    config = evaluation.config.copy()
    config.corruption = evaluation.node
    data = build.data(config)
    if tuple(data.image_shape) != tuple(autoencoder.image_shape):
        theirs, ours = ("×".join(map(str, shape)) for shape in (data.image_shape, autoencoder.image_shape))
        raise ConfigError(
            f"data={evaluation.data} has images of {theirs}, and the run was trained on {ours}: choose data of that "
            f"shape, or data=synthetic data.image_shape=[{ours.replace('×', ',')}]"
        )
    data.images = {"test": _newest.images_of(config, data)}
    return data


class Newest:
    """The test images that were read last: a ladder, and a sweep on one source, read them once."""

    def __init__(self) -> None:
        self.source = ""
        self.images: Images | None = None

    def images_of(self, config: DictConfig, data: ImageData) -> Images:
        source = json.dumps(OmegaConf.to_container(config.data.source, resolve=True), sort_keys=True)
        if self.images is None or source != self.source:
            self.images = None  # two sets of images need not fit
            data.setup()
            self.source, self.images = source, data.images["test"]
        return self.images


_newest = Newest()
