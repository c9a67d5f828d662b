"""What we use of Lightning 2.6 and it does not promise: private attributes, the counts in its checkpoints, its wording.

One function each; `tests/core/test_compat_lightning.py` fails where an upgrade changes what it relies on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import torch
from lightning.fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.utilities import rank_zero_only
from torch.distributed import DistError, PrefixStore, rendezvous

from hourglass.core.errors import ConfigError, JobFailed
from hourglass.core.processes.environment import started_from_outside
from hourglass.core.processes.meeting import Meeting
from hourglass.core.text import first_line

CHATTER = (
    "does not have many workers",  # the images lie in memory
    "exists and is not empty",  # the folder of checkpoints is ours
    "smaller than the logging interval",  # the last batch of an epoch is logged in any case
    "lr_scheduler.step",  # torch's; a step that the gradient scaler leaves out looks like a wrong order
    "resuming from a checkpoint that ended before the epoch ended",  # ours goes on exactly there
    "in eval mode at the start of training",  # a frozen network of the loss stays so
    "LeafSpec",  # torch's, about Lightning's use of it
    "sync_dist=True",  # torchmetrics has gathered what we log
    "srun` command is available",  # where SLURM is, jobs are submitted, or srun is a choice
)
"""Phrases of warnings that do not concern our runs."""


LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Application timeout")
"""What gloo says, which raises a mere RuntimeError."""


def is_rank_zero() -> bool:
    """Is this the process that writes files and logs? There need be no trainer yet.

    `rank_zero_only.rank` is what Lightning read from the environment when it was imported, or `set_rank` since.
    """
    rank: int = rank_zero_only.rank  # type: ignore[attr-defined]
    return rank == 0


def set_rank(rank: int) -> None:
    """Set `rank_zero_only.rank`, in a process forked from one that had imported Lightning."""
    rank_zero_only.rank = rank  # type: ignore[attr-defined]


def environment_of_processes() -> ClusterEnvironment:
    """By which Lightning learns what processes a run has: those of torchrun or srun, or those that we have forked.

    Lightning's own choice would have the job queued again when SLURM's time is up, and go on from a checkpoint of its
    own.
    """
    if not started_from_outside():
        return LightningEnvironment()
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if not SLURMEnvironment.detect():
        return LightningEnvironment()
    try:
        return SLURMEnvironment(auto_requeue=False)
    except RuntimeError as error:
        raise ConfigError(
            "srun starts one process a device, and is told how many of them a node has: give it, or sbatch, "
            "--ntasks-per-node in place of --ntasks"
        ) from error


@contextmanager
def met(wait: float) -> Iterator[Meeting]:
    """All processes that torchrun or srun has started for a run, by the store over which torch will connect them.

    Raises JobFailed where some have not come after `wait` seconds. The store lasts as long as the block.
    """
    environment = environment_of_processes()
    rank, size, address, port = (
        environment.global_rank(), environment.world_size(), environment.main_address, environment.main_port
    )  # fmt: skip
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = address, str(port)
    try:
        store, *_ = next(rendezvous("env://", rank, size, timeout=timedelta(seconds=wait)))
    except DistError as error:
        raise JobFailed(
            f"rank {rank} waited {wait:.0f} s at {address}:{port} for all {size} processes ({first_line(error)}): give "
            "every node the same command, and see that they reach this address; MASTER_ADDR and MASTER_PORT choose "
            "another"
        ) from error
    yield Meeting(PrefixStore("hourglass", store), rank, size)


def lost_connection(error: RuntimeError) -> bool:
    """Is that what gloo or NCCL raise where another process of theirs has ended, or does not answer?"""
    return isinstance(error, DistError) or any(phrase in str(error) for phrase in LOST)


def leave_sigterm_to_us(trainer: Trainer) -> None:
    """Make Lightning's own part of its SIGTERM handler do nothing; the handler that was there before is still called.

    `_signal_connector._sigterm_notifier_fn` would talk to the other ranks from within the handler, and wait for ever
    where they are busy elsewhere. Nor need they ask each other in every step, and wait for the answer, whether it did.
    """
    trainer._signal_connector._sigterm_notifier_fn = lambda *_: None  # type: ignore[method-assign]
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]


def is_logging_step(trainer: Trainer) -> bool:
    """Is what is logged in this step of training kept? Only such a step may wait for the device.

    Lightning drops it in the others; the last of an epoch is one too. The same from the start of a batch to its end.
    """
    return trainer.is_last_batch or trainer._logger_connector.should_update_logs


def look_for_gpus_once() -> None:
    """Where there is no GPU, keep torch from looking for NVIDIA's library again in every step of an optimizer.

    Lightning sets the variable when it is imported, so that asking whether there is a GPU does not open it before a
    fork; with none there is nothing to open.
    """
    if not torch.cuda.is_available():
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"


class QuickHooks(LightningModule):
    """A module whose hooks are called in a fifth of the time: Lightning notes the name of each one in the module, twice
    a hook, and torch looks first whether that is a parameter. 43 times a step, with the callbacks of a run."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


class NoProfiler(PassThroughProfiler):
    """Lightning's own that does nothing makes a generator for each of the 157 calls of a step; this one does not."""

    def profile(self, action_name: str) -> nullcontext[str]:  # type: ignore[override]
        return NOTHING


NOTHING: nullcontext[str] = nullcontext("")


def profile_nothing(trainer: Trainer) -> None:
    """Spare the time of a profiler where none is asked for."""
    if type(trainer.profiler) is PassThroughProfiler:  # type: ignore[attr-defined]
        trainer.profiler = NoProfiler()  # type: ignore[attr-defined]


def let_lightning_clip(optimizer: torch.optim.Optimizer) -> None:
    """Turn a fused optimizer into an ordinary one, whose gradients Lightning clips in mixed precision too.

    It refuses where an optimizer unscales the gradients itself, which it knows, as torch's gradient scaler does, by the
    private `_step_supports_amp_scaling`.
    """
    for group in optimizer.param_groups:
        group["fused"] = False
    optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]


def count_this_epoch(trainer: Trainer) -> None:
    """Correct `fit_loop.epoch_progress`, which is one short after a resume at the end of an epoch."""
    epochs: Any = trainer.fit_loop.epoch_progress
    for progress in (epochs.total, epochs.current):
        progress.ready = progress.started = progress.processed + 1


def set_back_to_batch_end(checkpoint: dict[str, Any], *, epoch: int, batch: int, per_epoch: int) -> None:
    """Set the counts in a checkpoint saved at the start of a batch to those at the end of the batch before.

    Lightning can go on from there and only there. `batch` of the `per_epoch` batches of `epoch` are done, at least one.
    Its loops keep `_batches_that_stepped`, `batch_progress` and `epoch_progress` in `checkpoint["loops"]`.
    """
    loops = checkpoint["loops"]["fit_loop"]
    loops["epoch_loop.state_dict"]["_batches_that_stepped"] = checkpoint["global_step"] - 1
    batches, epochs = loops["epoch_loop.batch_progress"], loops["epoch_progress"]
    batches["is_last_batch"] = batch == per_epoch
    for progress, count in ((batches["total"], epoch * per_epoch + batch), (batches["current"], batch)):
        progress.update(ready=count, started=count, processed=count, completed=count - 1)
    for progress in (epochs["total"], epochs["current"]):
        progress.update(ready=epoch + 1, started=epoch + 1, processed=epoch, completed=epoch)
