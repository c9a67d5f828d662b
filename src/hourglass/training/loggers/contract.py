"""What every logger is given: `make_logger(run)`, with the options of `conf/logger`, and pictures.

`make_logger` returns None where it cannot log this run, after a warning that says why.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from PIL import Image


@dataclass(frozen=True)
class LoggedRun:
    """The run that a logger logs, by the names that it has on a server of many."""

    folder: Path
    id: str
    """Unique in a W&B project, and the same when the run goes on"""
    name: str
    """For people; several runs may have the same"""
    group: str | None
    """The sweep that the run belongs to"""
    job_type: str = "train"
    offline: bool = False
    """Log offline at once without a message: an earlier job of the sweep could not reach the server, and reported it"""


def log_image(logger: Logger, key: str, picture: Image.Image, step: int) -> None:
    """Log a picture where the logger takes pictures."""
    if isinstance(logger, WandbLogger):
        logger.log_image(key, [picture])
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image(key, np.asarray(picture), step, dataformats="HWC")
