"""What happens beside training: pictures, measurements, diagnostics, and the end of a run whose loss is no number."""

from hourglass.training.callbacks.checkerboards import Checkerboards
from hourglass.training.callbacks.divergence import StopOnDivergence
from hourglass.training.callbacks.epoch_lines import EpochLines, record
from hourglass.training.callbacks.examples import Examples
from hourglass.training.callbacks.health import Health
from hourglass.training.callbacks.image_grids import ImageGrids
from hourglass.training.callbacks.progress_bar import ProgressBar

__all__ = [
    "Checkerboards", "EpochLines", "Examples", "Health", "ImageGrids", "ProgressBar", "StopOnDivergence", "record",
]  # fmt: skip
