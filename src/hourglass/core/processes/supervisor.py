"""One process a rank: how a run is started, watched and stopped. Torch is imported when the first job starts.

Each job of a sweep, and each rank of a job, is forked from a process that has imported everything and touched no
device: it has its own state, environment, random numbers and W&B run, and starts in a tenth of a second.
"""

import os
import signal
import socket
import threading
import time
from multiprocessing import connection
from typing import Any

from omegaconf import DictConfig

from hourglass.core.errors import ConfigError, Interrupted, JobFailed
from hourglass.core.processes import gpus as slots
from hourglass.core.processes.worker import STOP_GRACE, Outcome, Rank
from hourglass.core.signals import PATIENCE, SIGNALS, asked_by_file, blocked
from hourglass.runs import status as states
from hourglass.runs.job import Job

OTHERS_END = 10.0
"""Seconds that the ranks of a job have to end by themselves after one of them failed."""


EXTERNAL = ("LOCAL_RANK", "TORCHELASTIC_RUN_ID")
"""Set where torchrun or srun has started the ranks already."""


_said: set[str] = set()
"""What the jobs of this process have said, by the formats of the messages."""


def started_from_outside() -> bool:
    return any(name in os.environ for name in EXTERNAL) or int(os.environ.get("SLURM_NTASKS", "1")) > 1


def ranks_of(config: DictConfig) -> int:
    """Processes that a run needs: one a device."""
    trainer = config.trainer
    if str(trainer.strategy).startswith(("ddp_spawn", "ddp_fork", "ddp_notebook")):
        raise ConfigError(f"trainer.strategy={trainer.strategy}: use ddp, whose processes hourglass forks itself")
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
        from hourglass.runs import train as run

        return run.train(config, job)
    outcome = supervise(config, job, ranks=ranks, threads=threads(ranks), quiet=False)
    if outcome.value is None:
        raise JobFailed(outcome.error)
    return outcome.value


def at_a_time(n_jobs: int) -> int:
    """As joblib counts: -1 is one a core."""
    return n_jobs if n_jobs > 0 else len(os.sched_getaffinity(0))


def preload(config: DictConfig) -> None:
    """Import all that a job needs, once, in the process that jobs are forked from."""
    from hourglass.runs import train as run  # noqa: F401
    from hourglass.training.loggers import wandb as loggers

    if "wandb" in (config.logger or {}):
        loggers.preload()


def supervise(config: DictConfig, job: Job, *, ranks: int, threads: int | None, quiet: bool) -> Outcome:
    """Run a job in processes of its own; returns how it ended, whatever happened to them.

    Where one rank fails, the others end too, within `OTHERS_END` seconds. SIGINT, SIGTERM and the sweep's stop file are
    passed on; once the job has stopped, Interrupted is raised. The summary tells the reason also of a job that died
    without a word.
    """
    from hourglass.training.loggers import wandb as loggers

    preload(config)
    started: list[Rank] = []
    asked: list[int] = []
    stop_by = float("inf")

    def pass_on(signum: int, _: Any = None) -> None:
        nonlocal stop_by
        asked.append(signum)
        stop_by = min(stop_by, time.monotonic() + STOP_GRACE)
        send(started, signal.SIGKILL if len(asked) > PATIENCE else signum)

    main_thread = threading.current_thread() is threading.main_thread()
    old = {signum: signal.signal(signum, pass_on) for signum in SIGNALS} if main_thread else {}
    first_failed: int | None = None
    try:
        with slots.one_gpu(config, ranks) as gpu:
            with blocked(SIGNALS):
                if asked:
                    raise Interrupted(asked[0])
                for environment in environments(ranks):
                    started.append(Rank(config, job, environment | gpu, threads, quiet, _said))
            while alive := [rank for rank in started if rank.exit_code is None]:
                connection.wait([news for rank in alive for news in rank.news()], timeout=1.0)
                for rank in alive:
                    rank.listen()
                if not asked and asked_by_file():
                    pass_on(signal.SIGTERM)
                if first_failed is None and any(rank.exit_code for rank in started):
                    first_failed = next(i for i, rank in enumerate(started) if rank.exit_code)
                    stop_by = min(stop_by, time.monotonic() + OTHERS_END)
                if time.monotonic() > stop_by:
                    send(started, signal.SIGKILL)
    except BaseException:  # a launcher's own signal handler: SLURM takes the machine away
        end(started)
        raise
    finally:
        if not asked:  # else this process is about to end: another signal must not end it in between
            for signum, handler in old.items():
                signal.signal(signum, handler)
    outcomes = [rank.outcome() for rank in started]
    for outcome in outcomes:
        _said.update(outcome.said)
        if outcome.wandb_unreachable:
            os.environ[loggers.OFFLINE] = "1"  # the next jobs need not wait for it again
    decisive = first_failed or 0
    outcome = outcomes[decisive]
    if asked and (started[decisive].exit_code or 0) < 0:  # by us: it did not stop in time, or was not to
        outcome = Outcome("interrupted", str(Interrupted(asked[0])))
    if decisive and outcome.error and outcome.status == "failed":
        outcome.error = f"rank {decisive}: {outcome.error}"
    if outcome.status not in ("busy", "done"):
        states.set_ended(job.folder, outcome.status, outcome.error, overrule=decisive > 0)
    if asked:
        raise Interrupted(asked[0])
    return outcome


def environments(ranks: int) -> list[dict[str, str]]:
    """What each rank of a job finds in its environment: nothing where it is alone."""
    if ranks == 1:
        return [{}]
    common = {"NODE_RANK": "0", "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    return [common | {"LOCAL_RANK": str(rank), "HOURGLASS_RANK": str(rank)} for rank in range(ranks)]


def send(ranks: list[Rank], signum: int) -> None:
    for rank in ranks:
        rank.send(signum)


def end(ranks: list[Rank]) -> None:
    """Ask them to save and stop, and insist after `STOP_GRACE` seconds."""
    send(ranks, signal.SIGTERM)
    deadline = time.monotonic() + STOP_GRACE
    for rank in ranks:
        rank.process.join(max(0.0, deadline - time.monotonic()))
    send(ranks, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
