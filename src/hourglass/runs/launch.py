"""How a run is carried out: in this process, or in one for each of its devices, forked from it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from hourglass.config.configuration import Configuration, Node
from hourglass.core.compat.lightning import met, set_rank
from hourglass.core.errors import ConfigError, DataError, HourglassError, Interrupted, JobFailed
from hourglass.core.processes.environment import of_workers, refuse_without_fork, started_from_outside, threads_each
from hourglass.core.processes.gpus import one_gpu
from hourglass.core.processes.supervisor import supervise
from hourglass.core.processes.worker import Outcome
from hourglass.runs import status
from hourglass.runs.job import Job, Notes
from hourglass.runs.train import Setting, train
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint

log = logging.getLogger(__name__)
OWN_PROCESSES = ("ddp_spawn", "ddp_fork", "ddp_notebook")
"""Strategies of Lightning that start processes themselves."""


COME_WITHIN = 300.0
"""Seconds after which all processes of a run are to have started"""


class SaidOnce(logging.Filter):
    """Lets a message through once, those about W&B whatever folder they name."""

    def __init__(self, messages: set[str]) -> None:
        super().__init__()
        self.messages = messages

    def filter(self, record: logging.LogRecord) -> bool:
        about_wandb = record.name == "hourglass.training.loggers.wandb"
        message = str(record.msg) if about_wandb else record.getMessage()
        new = message not in self.messages
        self.messages.add(message)
        return new


def alone(configuration: Configuration, job: Job, retry: str | None = None) -> float:
    """One run by itself; its best val/loss. Raises what it raises, or JobFailed where it ran in other processes."""
    if started_from_outside():
        return together(configuration, job, retry)
    devices = device_count(configuration.plain["trainer"])
    if devices == 1:
        return train(configuration, job, Setting(retry=retry), Notes())
    refuse_without_fork(f"trainer.devices={devices}")
    outcome = in_processes(configuration, job, Setting(retry=retry), Notes(), threads=threads_each(devices))
    if outcome.value is None:
        raise JobFailed(outcome.error)
    return float(outcome.value)


def together(configuration: Configuration, job: Job, retry: str | None) -> float:
    """The share of this process in a run whose processes torchrun or srun has started; its best val/loss.

    Raises JobFailed where another one does not come, or has failed before training.
    """
    with met(COME_WITHIN) as meeting:
        try:
            meeting.agree(configuration.id, job.folder)
            return train(configuration, job, Setting(retry=retry, ready=meeting.ready), Notes())
        except BaseException as error:
            meeting.failed(error)
            raise


def refuse_damage(folder: Path) -> None:
    """Raise DataError where `last.ckpt` is damaged: who names one run to continue may choose from where it goes on."""
    last = checkpoint_path(folder, "last")
    if last.exists():
        try:
            read_checkpoint(last)
        except DataError as error:
            cure = "delete it, and the run goes on from the checkpoint before it"
            raise DataError(f"{error}. Put it back; or {cure}") from error


def in_processes(
    configuration: Configuration,
    job: Job,
    setting: Setting,
    notes: Notes,
    *,
    threads: int | None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """A run in a process for each of its devices; its outcome, whatever happened to them, with val/loss as value.

    `notes` learn what it has to tell later jobs. The summary tells the reason also of a job that died without a word.
    Raises Interrupted, once the job has stopped, where this process was told to stop, or `stop()` became true.
    """
    trainer = configuration.plain["trainer"]
    ranks = device_count(trainer)

    def work(rank: int) -> Outcome:
        return _outcome(configuration, job, setting, notes, rank, threads)

    with _one_gpu_of_several(trainer, ranks) as gpu:
        ending = supervise(work, [environment | gpu for environment in of_workers(ranks)], stop)
    for report in ending.outcomes:
        if report.value is not None:
            learned: Notes = report.value[1]
            notes.messages |= learned.messages
            notes.wandb_unreachable |= learned.wandb_unreachable
    outcome = ending.outcome
    if outcome.status not in ("busy", "done"):
        status.set_ended(job.folder, outcome.status, outcome.error, overrule=ending.rank > 0)
    if ending.signum is not None:
        raise Interrupted(ending.signum)
    return replace(outcome, value=outcome.value[0] if outcome.value else None)


def _outcome(
    configuration: Configuration, job: Job, setting: Setting, notes: Notes, rank: int, threads: int | None
) -> Outcome:
    """The work of one rank; the value of the outcome is (val/loss or None, notes)."""
    set_rank(rank)
    if threads is not None:
        torch.set_num_threads(threads)
    if setting.quiet:
        once = SaidOnce(notes.messages)
        for handler in logging.getLogger().handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(once)
    try:
        return Outcome("completed", value=(train(configuration, job, setting, notes), notes))
    except (HourglassError, Interrupted) as error:
        return Outcome(error.status, str(error), (None, notes))
    except BaseException as error:
        log.error("%s failed", job.folder, exc_info=error)
        return Outcome("failed", f"{type(error).__name__}: {error}", (None, notes))


def device_count(trainer: Node) -> int:
    """Processes that a run needs: one a device. `trainer` are the options of Lightning's trainer."""
    strategy, devices = str(trainer["strategy"]), trainer["devices"]
    if trainer.get("num_nodes", 1) > 1:
        raise ConfigError(
            f"trainer.num_nodes={trainer['num_nodes']}: start one run on several nodes with torchrun or srun, which "
            "docs/clusters.md shows; the jobs of a sweep have one node each"
        )
    if strategy.startswith(OWN_PROCESSES):
        raise ConfigError(f"trainer.strategy={strategy}: use ddp, whose processes hourglass forks itself")
    if isinstance(devices, list):
        return len(devices)
    if str(devices) in ("auto", "-1"):
        return max(1, torch.cuda.device_count()) if _may_use_gpus(trainer) else 1
    if "," in str(devices):
        return len(str(devices).split(","))
    return max(1, int(devices)) if str(devices).isdigit() else 1


def _may_use_gpus(trainer: Node) -> bool:
    return trainer["accelerator"] in ("auto", "gpu", "cuda")


@contextmanager
def _one_gpu_of_several(trainer: Node, ranks: int) -> Iterator[dict[str, str]]:
    """The environment that gives a job on one device a GPU of its own.

    Empty where there are not several, or where the configuration chooses.
    """
    if ranks > 1 or trainer["devices"] != 1 or not _may_use_gpus(trainer) or torch.cuda.device_count() < 2:
        yield {}
        return
    with one_gpu(torch.cuda.device_count()) as environment:
        yield environment
