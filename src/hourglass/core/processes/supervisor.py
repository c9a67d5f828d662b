"""One process a rank: how work is started, watched and stopped.

Each job of a sweep, and each rank of a job, is forked from a process that has imported everything and touched no
device: it has its own state, environment, random numbers and W&B run, and starts in a tenth of a second.
"""

import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, NamedTuple

from hourglass.core.errors import Interrupted
from hourglass.core.processes.worker import STOP_GRACE, Outcome, Target, Worker
from hourglass.core.signals import PATIENCE, SIGNALS, blocked

OTHERS_END = 10.0
"""Seconds that the other ranks have to end by themselves after one of them failed."""


class Ending(NamedTuple):
    """How the ranks of a job ended together."""

    outcome: Outcome
    """Of the rank that decides: the first that failed, else rank 0"""
    rank: int
    signum: int | None
    """The signal that asked for the stop, if one did"""
    outcomes: list[Outcome]
    """Of all ranks, as they reported them"""


def supervise(target: Target, environments: list[dict[str, str]], stop: Callable[[], bool] = lambda: False) -> Ending:
    """Run `target` in a worker for each of the environments; returns how they ended, whatever happened to them.

    Where one rank fails, the others end too, within `OTHERS_END` seconds. SIGINT and SIGTERM are passed on, and once
    `stop()` is true they are told to stop. Raises Interrupted if a signal comes before the first of them has started.
    """
    workers: list[Worker] = []
    signals: list[int] = []
    stop_by = float("inf")

    def pass_on(signum: int, _: Any = None) -> None:
        nonlocal stop_by
        signals.append(signum)
        stop_by = min(stop_by, time.monotonic() + STOP_GRACE)
        send(workers, signal.SIGKILL if len(signals) > PATIENCE else signum)

    main_thread = threading.current_thread() is threading.main_thread()
    old = {signum: signal.signal(signum, pass_on) for signum in SIGNALS} if main_thread else {}
    failed: int | None = None
    try:
        with blocked(SIGNALS):
            if signals:
                raise Interrupted(signals[0])
            for rank, environment in enumerate(environments):
                workers.append(Worker(target, rank, environment))
        while alive := [worker for worker in workers if worker.exit_code is None]:
            connection.wait([event for worker in alive for event in worker.events()], timeout=1.0)
            for worker in alive:
                worker.receive()
            if not signals and stop():
                pass_on(signal.SIGTERM)
            if failed is None and any(worker.exit_code for worker in workers):
                failed = next(rank for rank, worker in enumerate(workers) if worker.exit_code)
                stop_by = min(stop_by, time.monotonic() + OTHERS_END)
            if time.monotonic() > stop_by:
                send(workers, signal.SIGKILL)
    except BaseException:  # a launcher's own signal handler: SLURM takes the machine away
        end(workers)
        raise
    finally:
        if not signals:  # else this process is about to end: another signal must not end it in between
            for signum, handler in old.items():
                signal.signal(signum, handler)
    rank, outcomes = failed or 0, [worker.outcome() for worker in workers]
    outcome = outcomes[rank]
    if signals and (workers[rank].exit_code or 0) < 0:  # killed by us: it did not stop in time, or was not to
        outcome = Outcome("interrupted", str(Interrupted(signals[0])))
    if rank and outcome.error and outcome.status == "failed":
        outcome.error = f"rank {rank}: {outcome.error}"
    return Ending(outcome, rank, signals[0] if signals else None, outcomes)


def send(workers: list[Worker], signum: int) -> None:
    for worker in workers:
        worker.send(signum)


def end(workers: list[Worker]) -> None:
    """Tell them to save and stop, and insist after `STOP_GRACE` seconds."""
    send(workers, signal.SIGTERM)
    deadline = time.monotonic() + STOP_GRACE
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
    send(workers, signal.SIGKILL)
