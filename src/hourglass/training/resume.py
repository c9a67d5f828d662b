"""Exact resume: a run that was killed and continued ends with the same bits as one that never was.

Order, corruption and reseeding are pure functions of (seed, epoch, batch), so a checkpoint needs only one thing more
than Lightning saves: where training is. `last.ckpt` is always written between two batches, after everything about the
first has been logged; what was cut short after it, a validation too, is done again, with the same result.
"""

import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from hourglass.core.errors import Interrupted
from hourglass.core.signals import StopRequest
from hourglass.data import noise
from hourglass.data.datamodule import ImageData
from hourglass.training.callbacks.divergence import StopOnDivergence
from hourglass.training.loggers.metrics_csv import MetricsCsv

CHECK_EVERY = 10
"""Batches between two questions to all ranks whether one of them was asked to stop; one alone looks at each batch."""


class Position(Callback):
    """Counts the batches itself, in the data module, and reseeds torch before each from (seed, epoch, batch, rank).

    Lightning 2.6's own `batch_idx` is wrong after a second resume within an epoch, and its `epoch_progress` one short
    after a resume at the end of one. Also measures speed: images trained on, and the seconds that the steps took.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.images, self.seconds = 0, 0.0
        self.last_end = 0.0

    def state_dict(self) -> dict[str, float]:
        return {"images": self.images, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.images, self.seconds = state_dict["images"], state_dict["seconds"]

    def on_train_batch_start(self, trainer: Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        data = data_of(trainer)
        epochs: Any = trainer.fit_loop.epoch_progress
        for progress in (epochs.total, epochs.current):
            progress.ready = progress.started = progress.processed + 1
        seed = noise.seed_of("step", self.seed, data.epoch, data.batch, trainer.global_rank)
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which walks the stack for every device
        if module.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        if data.batch == 0 or self.last_end == 0.0:
            self.last_end = time.perf_counter()  # what lay between two epochs was no training

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        data, now = data_of(trainer), time.perf_counter()
        self.images, self.seconds, self.last_end = (
            self.images + data.batch_size,
            self.seconds + now - self.last_end,
            now,
        )
        data.advance(int(trainer.num_training_batches))


class LastCheckpoint(Callback):
    """`last.ckpt` after each epoch, every `every_n_steps` optimizer steps, when asked to stop, and at the end.

    Asked to stop, all ranks save together and raise Interrupted. List it last: what it has saved is not done again, so
    the others must be done with it, the last pictures for example.
    """

    def __init__(self, path: Path, every_n_steps: int, stop: StopRequest) -> None:
        self.path, self.every_n_steps, self.stop = path, every_n_steps, stop
        self.finished = False
        self.saved_at = (0, 0)
        self.between_batches = False

    def state_dict(self) -> dict[str, Any]:
        return {"finished": self.finished, "saved_at": list(self.saved_at)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.finished, self.saved_at = state_dict["finished"], tuple(state_dict["saved_at"])

    def on_load_checkpoint(self, trainer: Trainer, module: Any, checkpoint: dict[str, Any]) -> None:
        if trainer.training:
            history_of(trainer).keep(before=checkpoint["global_step"])

    def on_train_start(self, trainer: Trainer, module: Any) -> None:
        trainer.should_stop |= self.finished  # it had stopped early

    def on_train_batch_start(self, trainer: Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        data = data_of(trainer)
        if data.batch % trainer.accumulate_grad_batches:
            return  # part of a step's gradients is not kept
        stopping = self._stopping(trainer, data)
        due = data.batch == 0 or trainer.global_step % self.every_n_steps == 0
        if (stopping or due) and (data.epoch, data.batch) not in ((0, 0), self.saved_at):
            self._save_between_batches(trainer, data)
        if stopping:
            raise Interrupted(self.stop.signum)

    def on_train_end(self, trainer: Trainer, module: Any) -> None:
        self.finished = True
        self._save(trainer)

    def on_test_start(self, trainer: Trainer, module: Any) -> None:
        if trainer.strategy.reduce_boolean_decision(self.stop.asked, all=False):
            raise Interrupted(self.stop.signum)

    def _stopping(self, trainer: Trainer, data: ImageData) -> bool:
        if trainer.world_size == 1:
            return self.stop.asked
        return data.batch % CHECK_EVERY == 0 and trainer.strategy.reduce_boolean_decision(self.stop.asked, all=False)

    def _save_between_batches(self, trainer: Trainer, data: ImageData) -> None:
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, StopOnDivergence):
                callback.look(trainer)  # no NaN may reach a checkpoint
        self.saved_at, self.between_batches = (data.epoch, data.batch), True
        self._save(trainer)
        self.between_batches = False

    def _save(self, trainer: Trainer) -> None:
        if trainer.is_global_zero:
            history_of(trainer).write()  # first: the checkpoint counts on the rows before its step
        trainer.save_checkpoint(self.path)

    def on_save_checkpoint(self, trainer: Trainer, module: Any, checkpoint: dict[str, Any]) -> None:
        """Lightning's counts as they were at the end of the batch before: it can go on from there and only there."""
        if not self.between_batches:
            return
        data, per_epoch = data_of(trainer), int(trainer.num_training_batches)
        epoch, batch = (data.epoch, data.batch) if data.batch else (data.epoch - 1, per_epoch)
        loops = checkpoint["loops"]["fit_loop"]
        loops["epoch_loop.state_dict"]["_batches_that_stepped"] = trainer.global_step - 1
        batches, epochs = loops["epoch_loop.batch_progress"], loops["epoch_progress"]
        batches["is_last_batch"] = batch == per_epoch
        for progress, count in ((batches["total"], epoch * per_epoch + batch), (batches["current"], batch)):
            progress.update(ready=count, started=count, processed=count, completed=count - 1)
        for progress in (epochs["total"], epochs["current"]):
            progress.update(ready=epoch + 1, started=epoch + 1, processed=epoch, completed=epoch)


def data_of(trainer: Trainer) -> ImageData:
    return trainer.datamodule  # type: ignore[attr-defined]


def history_of(trainer: Trainer) -> MetricsCsv:
    return next(logger for logger in trainer.loggers if isinstance(logger, MetricsCsv))
