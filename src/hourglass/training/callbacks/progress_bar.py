"""The progress bar, which waits for the device no more often than the loggers do."""

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import TQDMProgressBar

from hourglass.core.compat.lightning import is_logging_step

SHOWN = ("train/loss", "val/loss", "val/psnr")


class ProgressBar(TQDMProgressBar):
    """Lightning's, beside which stand the numbers of the last step that was logged and of the last validation.

    What is logged with `prog_bar=True` Lightning reads back from the device in every step.
    """

    def __init__(self, *, refresh_rate: int) -> None:
        super().__init__(refresh_rate=refresh_rate)
        self.shown: dict[str, float] = {}

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if is_logging_step(trainer):
            self._read(trainer)
        super().on_train_batch_end(trainer, module, outputs, batch, batch_idx)

    def on_validation_end(self, trainer: Trainer, module: Any) -> None:
        self._read(trainer)
        super().on_validation_end(trainer, module)

    def get_metrics(self, trainer: Trainer, module: Any) -> dict[str, Any]:
        return super().get_metrics(trainer, module) | self.shown

    def _read(self, trainer: Trainer) -> None:
        there = trainer.callback_metrics
        self.shown |= {name: float(there[name]) for name in SHOWN if name in there}
