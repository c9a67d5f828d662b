"""A worker: one process forked from this one, and what is known of its end."""

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from hourglass.core.signals import SIGNALS

log = logging.getLogger(__name__)
STOP_GRACE = 60.0
"""Seconds that a worker has to save and end after it was told to stop."""


@dataclass
class Outcome:
    """How the work of a process ended."""

    status: str
    """`completed`, or what went wrong"""
    error: str | None = None
    value: Any = None
    """What the work returned"""


Target = Callable[[int], Outcome]
"""The work: called in the worker with its rank. It returns the outcome, of a failure too."""


class Worker:
    """One rank at work in a forked process, with its `environment` added.

    Start it with SIGINT and SIGTERM blocked: the process unblocks them as soon as it can handle them
    (`signals.StopRequest`).
    """

    def __init__(self, target: Target, rank: int, environment: dict[str, str]) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(target, rank, environment, theirs))
        self.process.start()
        theirs.close()
        self._reported: Outcome | None = None

    @property
    def exit_code(self) -> int | None:
        """None while it lives; negative where a signal ended it."""
        return self.process.exitcode

    def send(self, signum: int) -> None:
        if self.exit_code is None and self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError):  # a signal may interrupt us just when we have noticed its end
                os.kill(self.process.pid, signum)

    def events(self) -> list[Any]:
        """For `multiprocessing.connection.wait`: its end, and its report, until that has been received."""
        return [self.process.sentinel, *([] if self._pipe.closed else [self._pipe])]

    def receive(self) -> None:
        """Receive its report if it is there; a process with a long one waits for this."""
        if not self._pipe.closed and self._pipe.poll():
            with contextlib.suppress(EOFError, OSError):  # it died without a report, or in the middle of one
                self._reported = self._pipe.recv()
            self._pipe.close()

    def outcome(self) -> Outcome:
        """Its report, or what the way it died tells."""
        self.receive()
        if self._reported is not None:
            return self._reported
        code = self.exit_code or 0
        if code >= 0:
            return Outcome("failed", f"its process ended with exit code {code}")
        hint = ": out of memory?" if code == -signal.SIGKILL else ""
        return Outcome("failed", f"its process was killed by {signal.Signals(-code).name}{hint}")


def _work(target: Target, rank: int, environment: dict[str, str], pipe: connection.Connection) -> None:
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, signal.SIG_IGN)  # a cluster's, for the process that watches, which tells us to stop
    os.setpgrp()  # Ctrl-C goes to the process that watches, which passes it on
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(environment)
    try:
        outcome = target(rank)
    except BaseException as error:
        log.exception("a worker failed")
        outcome = Outcome("failed", f"{type(error).__name__}: {error}")
    pipe.send(outcome)
    logging.shutdown()
    sys.stdout.flush()
    sys.exit(0 if outcome.status == "completed" else 1)


def _end_with_parent() -> None:
    """Stop in good order when the process that watches has died, and at once when that takes too long."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)
