"""One process a rank: how a run is started, watched and stopped. Torch is imported when the first job starts.

Each job of a sweep, and each rank of a job, is forked from a process that has imported everything and touched no
device: it has its own state, environment, random numbers and W&B run, and starts in a tenth of a second.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hourglass import slots, states
from hourglass.errors import HourglassError, Interrupted, JobFailed
from hourglass.signals import PATIENCE, SIGNALS

log = logging.getLogger(__name__)

OTHERS_END = 10.0
"""Seconds that the ranks of a job have to end by themselves after one of them failed."""
STOP_GRACE = 60.0
"""Seconds that a job has to save and end after it was asked to stop."""
EXTERNAL = ("LOCAL_RANK", "TORCHELASTIC_RUN_ID")
"""Set where torchrun or srun has started the ranks already."""


@dataclass
class Job:
    """Who a run is: facts that Hydra knows and the configuration does not."""

    folder: Path
    id: str
    choices: dict[str, str]
    """The option taken in each group: {"model": "conv", "decoder": "transpose", …}"""
    overrides: list[str] = field(default_factory=list)
    group: str | None = None
    """The sweep this run belongs to."""

    @property
    def name(self) -> str:
        return "{model}/{encoder}-{decoder}".format(**self.choices)


@dataclass
class Outcome:
    """How the process of one rank ended."""

    status: str
    error: str | None = None
    value: float | None = None
    said: set[str] = field(default_factory=set)
    """Messages of this job, by their formats: the next job of the sweep need not repeat them."""
    wandb_unreachable: bool = False


class SaidOnce(logging.Filter):
    """Lets a message through once, whatever its arguments; `said` is what others have said already."""

    def __init__(self, said: set[str]) -> None:
        super().__init__()
        self.said = said

    def filter(self, record: logging.LogRecord) -> bool:
        new = str(record.msg) not in self.said
        self.said.add(str(record.msg))
        return new


_said: set[str] = set()
"""What the jobs of this process have said, by the formats of the messages."""


def started_from_outside() -> bool:
    return any(name in os.environ for name in EXTERNAL) or int(os.environ.get("SLURM_NTASKS", "1")) > 1


def ranks_of(config: DictConfig) -> int:
    """Processes that a run needs: one a device, unless a strategy such as `ddp_spawn` makes its own."""
    trainer = config.trainer
    if str(trainer.strategy).startswith(("ddp_spawn", "ddp_fork", "ddp_notebook")):
        return 1
    if not isinstance(trainer.devices, int | str):
        return len(trainer.devices)
    asked = str(trainer.devices)
    if asked not in ("auto", "-1"):
        return len(asked.split(",")) if "," in asked else max(1, int(asked)) if asked.isdigit() else 1
    return max(1, slots.gpu_count()) if trainer.accelerator in ("auto", "gpu", "cuda") else 1


def threads(processes: int) -> int | None:
    """Threads of each of so many processes at once, so that they do not fight for cores; None: torch's own choice."""
    if processes == 1 or "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, len(os.sched_getaffinity(0)) // processes)


def single(config: DictConfig, job: Job) -> float:
    """One run by itself: in this process, or where it has several devices in one process for each."""
    ranks = 1 if started_from_outside() else ranks_of(config)
    if ranks == 1:
        from hourglass import run  # torch and lightning: only now

        return run.train(config, job)
    outcome = supervise(config, job, ranks=ranks, threads=threads(ranks), quiet=False)
    if outcome.value is None:
        raise JobFailed(outcome.error)
    return outcome.value


def preload(config: DictConfig) -> None:
    """Import all that a job needs, once, in the process that jobs are forked from."""
    from hourglass import loggers, run  # noqa: F401

    if "wandb" in (config.logger or {}):
        loggers.preload()


def supervise(config: DictConfig, job: Job, *, ranks: int, threads: int | None, quiet: bool) -> Outcome:
    """Run a job in processes of its own; returns how it ended, whatever happened to them.

    Where one rank fails, the others end too, within `OTHERS_END` seconds. SIGINT and SIGTERM are passed on; once the
    job has stopped, Interrupted is raised. The summary tells the reason also of a job that died without a word.
    """
    from hourglass import loggers

    preload(config)
    context = multiprocessing.get_context("fork")
    port = free_port() if ranks > 1 else 0
    processes: list[ForkProcess] = []
    pipes: list[connection.Connection] = []
    asked: list[int] = []
    stop_by = float("inf")

    def pass_on(signum: int, _: Any) -> None:
        nonlocal stop_by
        asked.append(signum)
        stop_by = min(stop_by, time.monotonic() + STOP_GRACE)
        send(processes, signal.SIGKILL if len(asked) > PATIENCE else signum)

    main_thread = threading.current_thread() is threading.main_thread()
    old = {signum: signal.signal(signum, pass_on) for signum in SIGNALS} if main_thread else {}
    first_failed: int | None = None
    try:
        with slots.one_gpu(config, ranks) as gpu:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the ranks can handle them: see StopRequest
            for rank in range(ranks):
                mine, theirs = context.Pipe(duplex=False)
                environment = rank_environment(rank, ranks, port) | gpu
                process = context.Process(target=_rank, args=(config, job, rank, environment, threads, quiet, theirs))
                process.start()
                theirs.close()
                processes.append(process)
                pipes.append(mine)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            while alive := [process.sentinel for process in processes if process.exitcode is None]:
                connection.wait(alive, timeout=1.0)
                if first_failed is None:
                    first_failed = next((i for i, process in enumerate(processes) if process.exitcode), None)
                    if first_failed is not None:
                        stop_by = min(stop_by, time.monotonic() + OTHERS_END)
                if time.monotonic() > stop_by:
                    send(processes, signal.SIGKILL)
    except BaseException:  # a launcher's own signal handler: SLURM takes the machine away
        end(processes)
        raise
    finally:
        if not asked:  # else this process is about to end: another signal must not end it in between
            for signum, handler in old.items():
                signal.signal(signum, handler)
    outcomes = [received(pipe, process) for pipe, process in zip(pipes, processes, strict=True)]
    for outcome in outcomes:
        _said.update(outcome.said)
        if outcome.wandb_unreachable:
            os.environ[loggers.OFFLINE] = "1"  # the next jobs need not wait for it again
    outcome = outcomes[first_failed or 0]
    if asked and (processes[first_failed or 0].exitcode or 0) < 0:  # by us: it did not stop in time, or was not to
        outcome = Outcome("interrupted", str(Interrupted(asked[0])))
    if first_failed and outcome.error and outcome.status == "failed":
        outcome.error = f"rank {first_failed}: {outcome.error}"
    if outcome.status != "busy":
        states.set_ended(job.folder, outcome.status, outcome.error, overrule=bool(first_failed))
    if asked:
        raise Interrupted(asked[0])
    return outcome


def rank_environment(rank: int, ranks: int, port: int) -> dict[str, str]:
    if ranks == 1:
        return {}
    return {
        "LOCAL_RANK": str(rank), "NODE_RANK": "0", "WORLD_SIZE": str(ranks),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "HOURGLASS_RANK": str(rank),
    }  # fmt: skip


def received(pipe: connection.Connection, process: ForkProcess) -> Outcome:
    """What the process said about its end, or what its death says."""
    if pipe.poll():
        try:
            return pipe.recv()
        except EOFError:
            pass
    code = process.exitcode or 0
    cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    hint = ": out of memory?" if code == -signal.SIGKILL else ""
    return Outcome("failed", f"its process was {cause}{hint}" if code < 0 else f"its process {cause}")


def send(processes: list[ForkProcess], signum: int) -> None:
    for process in processes:
        if process.exitcode is None and process.pid is not None:
            with contextlib.suppress(ProcessLookupError):  # a signal may interrupt us just when we have noticed its end
                os.kill(process.pid, signum)


def end(processes: list[ForkProcess]) -> None:
    """Ask them to save and stop, and insist after `STOP_GRACE` seconds."""
    send(processes, signal.SIGTERM)
    deadline = time.monotonic() + STOP_GRACE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    send(processes, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _rank(
    config: DictConfig,
    job: Job,
    rank: int,
    environment: dict[str, str],
    threads: int | None,
    quiet: bool,
    pipe: connection.Connection,
) -> None:
    """The process of one rank, from the fork to its end."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, signal.SIG_IGN)  # a cluster's, for the process that watches, which asks us to stop
    os.setpgrp()  # Ctrl-C goes to the process that watches, which passes it on
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch
    from lightning.pytorch.utilities import rank_zero_only

    from hourglass import loggers, run

    os.environ.update(environment)
    rank_zero_only.rank = rank  # type: ignore[attr-defined]
    if threads is not None:
        torch.set_num_threads(threads)
    said = SaidOnce(set(_said))
    if quiet:
        for handler in logging.getLogger().handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(said)
    outcome = Outcome("failed")
    try:
        outcome.value = run.train(config, job, quiet=quiet)
        outcome.status = "completed"
    except (HourglassError, Interrupted) as error:
        outcome.status, outcome.error = error.status, str(error)
    except BaseException as error:
        outcome.error = f"{type(error).__name__}: {error}"
        log.error("%s failed", job.folder, exc_info=error)
    outcome.said, outcome.wandb_unreachable = said.said, loggers.unreachable()
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
