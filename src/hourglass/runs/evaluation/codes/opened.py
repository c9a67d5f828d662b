"""A run and all images that it was trained and tested on."""

from pathlib import Path
from typing import NamedTuple

import torch

from hourglass.config.parts import Parts
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.runs.evaluation.select import refuse_changed_images
from hourglass.runs.load import load_run
from hourglass.runs.read import read_configuration, summary_of


class Opened(NamedTuple):
    autoencoder: Autoencoder
    """On the GPU where there is one"""
    data: ImageData
    """Set up"""
    identity: str
    """Of the run"""
    fingerprint: str
    """Of the test images"""


def opened(run: Path, trust: list[str]) -> Opened:
    """Raises DataError for test images that have changed, and what `load_run` raises."""
    autoencoder = load_run(run, trust=trust).to("cuda" if torch.cuda.is_available() else "cpu")
    configuration = read_configuration(run, trust)
    data: ImageData = Parts(configuration).data
    data.setup()
    fingerprint = data.fingerprint("test")
    refuse_changed_images(run, summary_of(run), fingerprint, "put back those of then")
    return Opened(autoencoder, data, configuration.id, fingerprint)
