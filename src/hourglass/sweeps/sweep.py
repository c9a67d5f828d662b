"""A sweep that a command carries out: planned before its first job, known to each of them, stopped as one."""

import atexit
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hourglass.core.errors import ConfigError
from hourglass.core.processes.environment import refuse_without_fork, started_from_outside
from hourglass.core.processes.worker import STOP_GRACE
from hourglass.core.signals import SweepStop
from hourglass.runs import status
from hourglass.runs.job import Notes
from hourglass.runs.read import names_of, read_sweep
from hourglass.sweeps.progress import Ends
from hourglass.sweeps.record import Asked, plan_more, record


@dataclass
class Sweep:
    """Travels to whatever process runs a job; the jobs of one process share it."""

    folder: Path
    invocation: int
    """The number in `sweep.json` of the command"""
    retry: str | None
    """A key of `status.RETRY`"""
    parallel: int
    """Jobs at a time"""
    stop: SweepStop
    notes: Notes = field(default_factory=Notes)
    seconds: dict[str, float] = field(default_factory=dict)
    """The jobs that this process has trained, and how long each took"""
    ends: Ends = field(default_factory=dict)
    """What this process knows of those that are done"""
    read: tuple[tuple[int, int], dict[str, str]] = ((0, 0), {})
    """Which `sweep.json` was read last, and the `names` in it"""

    @property
    def names(self) -> dict[str, str]:
        """The jobs of this command, each by what sets it apart; all of a search, which plans as it goes."""
        file = (self.folder / "sweep.json").stat()
        if self.read[0] != (version := (file.st_ino, file.st_mtime_ns)):  # thousands of jobs would read it each
            sweep = read_sweep(self.folder)
            planned = sweep["invocations"][self.invocation]["jobs"]
            self.read = (version, names_of(sweep["jobs"], planned or sweep["jobs"]))
        return self.read[1]

    def plan(self, jobs: Mapping[str, list[str]], tuning: Mapping[str, Any]) -> None:
        """Write down jobs (id -> overrides) that follow from what others have shown, and what the tuning is."""
        plan_more(self.folder, self.invocation, jobs, tuning)

    def stop_jobs(self) -> None:
        """Tell the jobs that run in other processes to save and stop, and wait for them, as long as a job may take."""
        if self.stop.file is None:
            return
        self.stop.file.touch()
        folders = [self.folder / identity for identity in read_sweep(self.folder)["jobs"]]
        deadline = time.monotonic() + STOP_GRACE
        while any(map(status.is_locked, folders)) and time.monotonic() < deadline:
            time.sleep(0.1)


def check(name: object, retry: object, *, searching: bool) -> None:
    """Raise ConfigError for what a sweep cannot be: `name` and `retry` as configured."""
    refuse_without_fork("a sweep")
    if started_from_outside():
        raise ConfigError("start a sweep once, without torchrun or srun: LOCAL_RANK or SLURM_NTASKS is set")
    if retry not in status.RETRY:
        raise ConfigError(f"retry={retry}: it can be failed, diverged, incompatible or all")
    if retry is not None and searching:
        raise ConfigError(f"retry={retry}: a search does not try a failed trial again; leave it out")
    if name is None:
        raise ConfigError("a sweep has one name, its folder: give one, or leave sweep= out, and it is made")
    if not re.fullmatch(r"[\w.+-]+", str(name)):
        raise ConfigError(f"sweep={name} names a folder: use letters, digits, '.', '_', '+' and '-'")


def begin(folder: Path, asked: Asked, *, retry: str | None, parallel: int, jobs_outlive_it: bool) -> Sweep:
    """Write down what there is to do, and give what carries it out."""
    folder.mkdir(parents=True, exist_ok=True)
    invocation = record(folder, asked)
    stop = SweepStop()
    if not jobs_outlive_it:
        stop.file = folder.resolve() / f".stop-{invocation}"
        # after whatever the launcher does at the end: until then it may start a job that was waiting
        atexit.register(stop.file.unlink, missing_ok=True)
    return Sweep(folder, invocation, retry, parallel, stop)
