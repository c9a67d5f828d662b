"""What the progress bar shows and forgets, a line an epoch, in the run's `train.log`."""

import logging
from typing import Any

from lightning.pytorch import Callback, Trainer

from hourglass.core.compat.lightning import is_rank_zero
from hourglass.core.text import number
from hourglass.training.callbacks.progress_bar import SHOWN

record = logging.getLogger("hourglass.record")
"""Into `train.log` alone, and not onto the screen: see `conf/hydra/default.yaml`."""


class EpochLines(Callback):
    """`epoch 3   step 248   train/loss 0.0051   val/loss 0.0049   val/psnr 23.1`"""

    def on_train_epoch_end(self, trainer: Trainer, module: Any) -> None:
        if is_rank_zero():
            there = trainer.callback_metrics
            values = [f"{name} {number(float(there[name]))}" for name in SHOWN if name in there]
            step = f"step {trainer.global_step:,}"
            record.info("   ".join([f"epoch {trainer.current_epoch}", step, *values]))
