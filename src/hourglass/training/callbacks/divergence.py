"""The end of a run whose loss is NaN or infinite."""

from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor

from hourglass.core.compat.lightning import is_logging_step
from hourglass.core.errors import Diverged
from hourglass.core.types import Count


class StopOnDivergence(Callback):
    """Ends the run at the first NaN or infinite loss, before it can reach a checkpoint.

    The first bad step is noted on the device, without waiting for it. All ranks look at it together: before each
    validation and each checkpoint, and in a step that is logged where the last look is `every_n_steps` steps ago.
    """

    def __init__(self, *, every_n_steps: Count) -> None:
        self.every_n_steps = every_n_steps
        self.bad_step: Tensor | None = None
        """() float, on the device: -1 as long as every loss was finite; None before the first batch"""
        self.unseen = 0
        """Batches since the last look"""

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss: Tensor = outputs["loss"] if isinstance(outputs, dict) else outputs
        if self.bad_step is None:
            self.bad_step = torch.full((), -1, device=loss.device)
        now = torch.full_like(self.bad_step, trainer.global_step)
        self.bad_step = torch.where((self.bad_step < 0) & ~loss.detach().isfinite(), now, self.bad_step)
        self.unseen += 1
        if self.unseen >= self.every_n_steps and is_logging_step(trainer):
            self.look(trainer)

    def on_validation_start(self, trainer: Trainer, module: Any) -> None:
        self.look(trainer)

    def on_validation_end(self, trainer: Trainer, module: Any) -> None:
        loss = trainer.callback_metrics.get("val/loss")
        if not trainer.sanity_checking and loss is not None and not loss.isfinite():
            raise diverged("validation loss", trainer.global_step)

    def look(self, trainer: Trainer) -> None:
        """Raise Diverged, on all ranks, if a loss since the last look was not finite."""
        if self.bad_step is None:
            return
        self.unseen, step = 0, int(self.bad_step)
        if trainer.strategy.reduce_boolean_decision(step >= 0, all=False):
            raise diverged("training loss", step if step >= 0 else trainer.global_step)


def diverged(what: str, step: int) -> Diverged:
    return Diverged(
        f"the {what} is not a finite number at step {step}; nothing after it was saved. "
        "Try a smaller optimizer.lr, trainer.gradient_clip_val=1, or trainer.precision=32-true"
    )
