"""Exact resume: a run that was killed and continued ends with the same bits as one that never was.

Order, corruption and reseeding are pure functions of (seed, epoch, batch), so a checkpoint needs only one thing more
than Lightning saves: where training is. `last.ckpt` is always written between two batches, after everything about the
first has been logged; what was cut short after it, a validation too, is done again, with the same result.
"""

import logging
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer

from hourglass.core.compat.lightning import count_this_epoch, set_back_to_batch_end
from hourglass.core.errors import DataError, Interrupted
from hourglass.core.signals import StopRequest
from hourglass.core.text import as_typed
from hourglass.data import noise
from hourglass.data.datamodule import ImageData
from hourglass.training.callbacks.divergence import StopOnDivergence
from hourglass.training.callbacks.stateful import Stateful
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.loggers import MetricsCsv
from hourglass.training.lookup import callback_of, data_of, history_of

log = logging.getLogger(__name__)
CHECK_EVERY = 10
"""Batches after which all ranks ask each other whether to stop; a single one looks before every batch."""


class TrainingProgress(Stateful):
    """Counts the batches itself, in the data module, and reseeds torch before each from (seed, epoch, batch, rank).

    Lightning 2.6's own `batch_idx` is wrong after a second resume within an epoch. Also measures speed: images trained
    on, and the seconds that the steps took.
    """

    state_key, kept = "hourglass.training_progress", ("images", "seconds")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.images, self.seconds = 0, 0.0
        self.last_end = 0.0

    def on_train_batch_start(self, trainer: Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        data = data_of(trainer)
        count_this_epoch(trainer)
        seed = noise.seed_of("step", self.seed, data.epoch, data.batch, trainer.global_rank)
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which walks the stack for every device
        if module.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        if data.batch == 0 or self.last_end == 0.0:
            self.last_end = time.perf_counter()  # the time between two epochs is no training

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        data, now = data_of(trainer), time.perf_counter()
        self.images += data.batch_size
        self.seconds += now - self.last_end
        self.last_end = now
        data.advance(int(trainer.num_training_batches))


class LastCheckpoint(Stateful):
    """`last.ckpt` after each epoch, every `every_n_steps` optimizer steps, when told to stop, and at the end.

    Told to stop, all ranks save together and raise Interrupted. List it last: whatever precedes a checkpoint is not
    done again, so the other callbacks must have done their work by then, the last pictures for example.
    """

    state_key, kept = "hourglass.last_checkpoint", ("finished", "saved_at", "history")

    def __init__(self, path: Path, every_n_steps: int, stop: StopRequest) -> None:
        self.path, self.every_n_steps, self.stop = path, every_n_steps, stop
        self.finished = False
        self.saved_at = (0, 0)
        """(epoch, batch) of the newest `last.ckpt`"""
        self.history: dict[str, int | str] = {}
        """What it stands on, as `MetricsCsv.standing` tells"""
        self.between_batches = False

    def on_load_checkpoint(self, trainer: Trainer, module: Any, checkpoint: dict[str, Any]) -> None:
        if trainer.training:
            history_of(trainer).keep(before=checkpoint["global_step"])

    def on_train_start(self, trainer: Trainer, module: Any) -> None:
        trainer.should_stop |= self.finished  # it had stopped early
        data = data_of(trainer)
        here = (data.epoch, data.batch)
        if (first := trainer.strategy.broadcast(here)) != here:  # a shared folder of which nodes see different states
            raise DataError(
                f"rank {trainer.global_rank} would go on from {here}, rank 0 from {first} (epoch, batch): "
                "see that all nodes see the same checkpoints, and give the command again"
            )
        if trainer.is_global_zero and trainer.ckpt_path == str(self.path.with_stem("previous")):
            self.path.unlink(missing_ok=True)  # of no use, and it must not take the place of the other

    def on_train_batch_start(self, trainer: Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        data = data_of(trainer)
        if data.batch % trainer.accumulate_grad_batches:
            return  # a checkpoint does not hold the gradients of half a step
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
        if self._any_rank_stops(trainer):
            raise Interrupted(self.stop.signum)

    def on_save_checkpoint(self, trainer: Trainer, module: Any, checkpoint: dict[str, Any]) -> None:
        if self.between_batches:
            data, per_epoch = data_of(trainer), int(trainer.num_training_batches)
            epoch, batch = (data.epoch, data.batch) if data.batch else (data.epoch - 1, per_epoch)
            set_back_to_batch_end(checkpoint, epoch=epoch, batch=batch, per_epoch=per_epoch)

    def _stopping(self, trainer: Trainer, data: ImageData) -> bool:
        if trainer.world_size == 1:
            return self.stop.requested
        return data.batch % CHECK_EVERY == 0 and self._any_rank_stops(trainer)

    def _any_rank_stops(self, trainer: Trainer) -> bool:
        return trainer.strategy.reduce_boolean_decision(self.stop.requested, all=False)

    def _save_between_batches(self, trainer: Trainer, data: ImageData) -> None:
        self.saved_at, self.between_batches = (data.epoch, data.batch), True
        self._save(trainer)
        self.between_batches = False

    def _save(self, trainer: Trainer) -> None:
        divergence = callback_of(trainer, StopOnDivergence)
        if divergence is not None:
            divergence.look(trainer)  # no NaN may reach a checkpoint
        if trainer.is_global_zero:
            history = history_of(trainer)
            history.write()  # first: the checkpoint counts on the rows before its step
            self.history = history.standing(trainer.global_step)
        trainer.save_checkpoint(self.path)


def checkpoint_to_go_on_from(folder: Path, history: MetricsCsv) -> Path | None:
    """The newest checkpoint of a run that is whole, and whose history lies in `metrics.csv`; None before the first one.

    That is `last.ckpt`, or the one before it, with a warning that says why. Raises DataError where neither will do.
    """
    reasons: list[str] = []
    for path in (checkpoint_path(folder, "last"), checkpoint_path(folder, "previous")):
        if not path.exists():
            continue
        reason = _why_not(path, history)
        if reason is None:
            if reasons:
                log.warning("%s. The one before it will do", reasons[0])
            return path
        reasons.append(reason)
    if reasons:
        raise DataError(
            f"{'; '.join(reasons)}. Put back what was there; or delete {as_typed(folder / 'checkpoints')}, and the "
            "same command trains the run again from its start"
        )
    return None


def _why_not(path: Path, history: MetricsCsv) -> str | None:
    try:
        saved = read_checkpoint(path)
        stands_on = saved["callbacks"][LastCheckpoint.state_key].get("history")  # 0.2.0.dev0 kept none
        there = history.standing_in_files(saved["global_step"])
    except DataError as error:
        return str(error)
    except (KeyError, TypeError, AttributeError):
        return f"{path} is no checkpoint of a run"
    if stands_on in (None, there):
        return None
    missing = int(stands_on["rows"]) - int(there["rows"])
    what = f"{missing} are missing" if missing > 0 else "some are missing or have changed"
    return f"of the {stands_on['rows']} rows of metrics.csv and times.csv that {path} stands on, {what}"
