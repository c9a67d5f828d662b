"""The process of one rank: from the fork to what is known of its end. Torch is imported in there."""

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from hourglass.core.errors import HourglassError, Interrupted
from hourglass.core.signals import SIGNALS
from hourglass.runs import status as states

if TYPE_CHECKING:
    from hourglass.runs.job import Job

log = logging.getLogger(__name__)
STOP_GRACE = 60.0
"""Seconds that a job has to save and end after it was asked to stop."""


@dataclass
class Outcome:
    """How the process of one rank ended."""

    status: str
    error: str | None = None
    value: float | None = None
    said: set[str] = field(default_factory=set)
    """Messages of this job: the next job of the sweep need not repeat them."""
    wandb_unreachable: bool = False


class SaidOnce(logging.Filter):
    """Lets a message through once, those about W&B whatever folder they name; `said` is what others have said."""

    def __init__(self, said: set[str]) -> None:
        super().__init__()
        self.said = said

    def filter(self, record: logging.LogRecord) -> bool:
        message = str(record.msg) if record.name == "hourglass.training.loggers.wandb" else record.getMessage()
        new = message not in self.said
        self.said.add(message)
        return new


class Rank:
    """One rank at work in a process forked from this one, with its `environment` added.

    `threads` of torch, None for its own choice; `quiet` keeps off the screen what is in `said`. Start it with SIGINT
    and SIGTERM blocked: the process unblocks them as soon as it can handle them (`signals.StopRequest`).
    """

    def __init__(
        self,
        config: DictConfig,
        job: "Job",
        environment: dict[str, str],
        threads: int | None,
        quiet: bool,
        said: set[str],
    ) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(config, job, environment, threads, quiet, said, theirs))
        self.process.start()
        theirs.close()
        self._said: Outcome | None = None

    @property
    def exit_code(self) -> int | None:
        """None while it lives; negative where a signal ended it."""
        return self.process.exitcode

    def send(self, signum: int) -> None:
        if self.exit_code is None and self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError):  # a signal may interrupt us just when we have noticed its end
                os.kill(self.process.pid, signum)

    def news(self) -> list[Any]:
        """For `multiprocessing.connection.wait`: its end, and what it has to say about it, until that is heard."""
        return [self.process.sentinel, *([] if self.pipe.closed else [self.pipe])]

    def listen(self) -> None:
        """Hear what it says about its end; a process waits with what is long until it is heard."""
        if not self.pipe.closed and self.pipe.poll():
            with contextlib.suppress(EOFError, OSError):  # it died without a word, or in the middle of one
                self._said = self.pipe.recv()
            self.pipe.close()

    def outcome(self) -> Outcome:
        """What it said about its end, or what its death says."""
        self.listen()
        if self._said is not None:
            return self._said
        code = self.exit_code or 0
        if code >= 0:
            return Outcome("failed", f"its process ended with exit code {code}")
        hint = ": out of memory?" if code == -signal.SIGKILL else ""
        return Outcome("failed", f"its process was killed by {signal.Signals(-code).name}{hint}")


def _work(
    config: DictConfig,
    job: "Job",
    environment: dict[str, str],
    threads: int | None,
    quiet: bool,
    said: set[str],
    pipe: connection.Connection,
) -> None:
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, signal.SIG_IGN)  # a cluster's, for the process that watches, which asks us to stop
    states.let_go()
    os.setpgrp()  # Ctrl-C goes to the process that watches, which passes it on
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch
    from lightning.pytorch.utilities import rank_zero_only

    from hourglass.runs import train as run
    from hourglass.training.loggers import wandb as loggers

    os.environ.update(environment)
    rank_zero_only.rank = int(environment.get("LOCAL_RANK", "0"))  # type: ignore[attr-defined]
    if threads is not None:
        torch.set_num_threads(threads)
    once = SaidOnce(set(said))
    if quiet:
        for handler in logging.getLogger().handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(once)
    outcome = Outcome("failed")
    try:
        outcome.value = run.train(config, job, quiet=quiet)
        outcome.status = "completed"
    except (HourglassError, Interrupted) as error:
        outcome.status, outcome.error = error.status, str(error)
    except BaseException as error:
        outcome.error = f"{type(error).__name__}: {error}"
        log.error("%s failed", job.folder, exc_info=error)
    outcome.said, outcome.wandb_unreachable = once.said, loggers.unreachable()
    pipe.send(outcome)
    code = 0 if outcome.status == "completed" else 1
    logging.shutdown()
    sys.stdout.flush()
    sys.exit(code)


def _end_with_parent() -> None:
    """Stop in good order when the process that watches has died, and at once when that takes too long."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)
