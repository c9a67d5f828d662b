"""Real sweeps, with accidents, and what becomes of their jobs."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from helpers.project import TINY, run_command
from hourglass.runs.read import names_of, read_summary, read_sweep
from hourglass.runs.status import status_of

TINIEST = (
    "trainer.max_epochs=1", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1", "baselines=null", "logger=none", "trainer.accelerator=cpu",
)  # fmt: skip
"""Overrides of a job of two steps that keeps its network."""


def sweep(folder: Path, *overrides: str, accidents: Any = (), timeout: float = 240) -> CompletedProcess[str]:
    """`train.py -m …` into `folder`, with accidents."""
    return run_command(*command(folder, *overrides), timeout=timeout, SABOTAGE=json.dumps(accidents))


def command(folder: Path, *overrides: str) -> list[str]:
    """What `sweep` runs."""
    given = {override.split("=")[0] for override in overrides}
    tiny = [override for override in TINY if override.split("=")[0] not in given]
    return ["tests/helpers/sabotaged_train.py", "-m", f"hydra.sweep.dir={folder}", "sweep=test", *tiny, *overrides]


def names(folder: Path) -> dict[str, str]:
    """The ids of all jobs of a sweep, each with what sets it apart."""
    jobs = read_sweep(folder)["jobs"]
    return names_of(jobs, jobs)


def summaries(folder: Path) -> dict[str, dict[str, Any]]:
    """Summaries of the jobs by what sets them apart."""
    return {name: read_summary(folder / identity) or {} for identity, name in names(folder).items()}


def statuses(folder: Path) -> dict[str, str]:
    return {name: status_of(folder / identity) for identity, name in names(folder).items()}


def wait_for(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL, as when the machine loses its power."""
    for pid in pids:
        with suppress(ProcessLookupError):  # it ended with its parent
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, itself first."""
    family = [pid]
    for one in family:
        path = Path(f"/proc/{one}/task/{one}/children")
        family += map(int, path.read_text(encoding="utf-8").split()) if path.exists() else []
    return family
