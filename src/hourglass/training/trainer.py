"""Lightning's trainer as every run needs it: its results exact, its interruptions harmless, its chatter off."""

import logging
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from hourglass.config.configuration import Node
from hourglass.config.parts import Parts
from hourglass.core.compat.lightning import (
    CHATTER,
    environment_of_processes,
    is_rank_zero,
    leave_sigterm_to_us,
    look_for_gpus_once,
    lost_connection,
    profile_nothing,
)
from hourglass.core.errors import ConfigError, Disconnected, HourglassError
from hourglass.core.processes.environment import started_from_outside
from hourglass.core.signals import StopRequest
from hourglass.core.text import first_line
from hourglass.training.callbacks import EpochLines, ProgressBar
from hourglass.training.checkpoints import BestCheckpoint, DurableCheckpointIO, checkpoint_path
from hourglass.training.hardware import refuse_to_compile
from hourglass.training.resume import LastCheckpoint, TrainingProgress

log = logging.getLogger(__name__)


def trainer_for(parts: Parts) -> Callable[..., Trainer]:
    """The configured trainer; on the CPU, where torch cannot synchronise it, BatchNorm stays with each process.

    `overfit_batches` is a limit to it, and an order of images to the data module: Lightning would take batches of ours
    apart.
    """
    options = parts.configuration.plain["trainer"]
    if parts.compiles:
        refuse_to_compile(_on_cpu(options))
    if overfit := options.get("overfit_batches"):
        parts.data.overfits = True
        return partial(_in_processes(parts, options), overfit_batches=0.0, limit_train_batches=overfit)
    return _in_processes(parts, options)


def _in_processes(parts: Parts, options: Node) -> Callable[..., Trainer]:
    if not (options.get("sync_batchnorm") and _on_cpu(options)):
        return parts.trainer
    if parts.configuration.plain["norm"] == "batch" and is_rank_zero():
        log.warning("norm=batch is not synchronised on the CPU: each process normalises its own share of a batch")
    return partial(parts.trainer, sync_batchnorm=False)


def _on_cpu(options: Node) -> bool:
    return options["accelerator"] == "cpu" or not torch.cuda.is_available()


def build_trainer(
    make: Callable[..., Trainer],
    folder: Path,
    *,
    seed: int,
    checkpoint_every: int,
    callbacks: Sequence[Callback],
    loggers: Sequence[Logger],
    stop: StopRequest,
    bar: bool,
) -> Trainer:
    """The trainer of the run in `folder`: what `make` gives, with all that makes a run exact and resumable.

    `make`: Lightning's Trainer with its options bound. `checkpoint_every`: optimizer steps between two saves of
    `last.ckpt`. `stop` handles SIGTERM. `bar`: whether there is a progress bar, whatever the options say. Other
    ranks have processes of their own, which Lightning does not start.
    """
    with mistakes_in_words():
        trainer = make(
            default_root_dir=folder,
            logger=list(loggers),
            enable_progress_bar=bar,
            callbacks=[  # each is called in this order; Lightning moves ModelCheckpoints to the end in any case
                TrainingProgress(seed),
                *callbacks,
                EpochLines(),
                *([ProgressBar(refresh_rate=10)] if bar else []),
                LastCheckpoint(checkpoint_path(folder, "last"), checkpoint_every, stop),
                BestCheckpoint(folder),
            ],
            plugins=[DurableCheckpointIO(), environment_of_processes()],
        )
    leave_sigterm_to_us(trainer)
    look_for_gpus_once()
    profile_nothing(trainer)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # nothing reads it
    return trainer


@contextmanager
def mistakes_in_words() -> Iterator[None]:
    """What Lightning raises for a mistake in the configuration becomes a ConfigError."""
    try:
        yield
    except HourglassError:
        raise
    except MisconfigurationException as error:
        raise ConfigError(f"Lightning: {first_line(error)}") from error
    except ValueError as error:
        if not _raised_by_lightning(error):  # a fault of a part or of ours is no mistake of the user
            raise
        raise ConfigError(f"Lightning: {first_line(error)}") from error
    except RuntimeError as error:
        if started_from_outside() and lost_connection(error):
            raise Disconnected(
                "another process of this run has ended, or its node: see what it printed; the same command on every "
                "node goes on from the last checkpoint"
            ) from error
        if "conditioned on metric" not in str(error):  # a monitor that nobody logs
            raise
        raise ConfigError(f"Lightning: {first_line(error)}") from error


def _raised_by_lightning(error: Exception) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"]).startswith("lightning.")


def quieten() -> None:
    """Leave the screen to what concerns this run: Lightning's tips and device tables go, its warnings stay."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    for phrase in CHATTER:
        warnings.filterwarnings("ignore", f".*{phrase}.*")
    torch.set_float32_matmul_precision("high")
