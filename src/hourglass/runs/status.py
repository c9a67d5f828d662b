"""The state of a run folder, always right: what `summary.json` says, and who is at work there. No torch in here."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hourglass.core.errors import Busy
from hourglass.core.files import replacing

STATUSES = ("planned", "running", "completed", "failed", "diverged", "incompatible", "interrupted", "pruned")
RETRY = {
    None: (),
    "failed": ("failed",),
    "diverged": ("diverged",),
    "incompatible": ("incompatible",),
    "all": ("failed", "diverged", "incompatible", "pruned"),
}
"""What `retry=` starts again of the jobs that have ended otherwise than completed."""
WAIT = 10.0
"""Seconds to wait for a process that is just ending."""
_held: set[int] = set()
"""File descriptors of the locks of this process."""


def to_do(status: str, retry: str | None) -> bool:
    """Is a job of this status to be trained, where `retry` is a key of `RETRY`?"""
    return status in ("planned", "running", "interrupted", *RETRY[retry])


def read_summary(folder: Path) -> dict[str, Any] | None:
    """`summary.json`, or None where there is none (yet)."""
    try:
        return json.loads((folder / "summary.json").read_text())
    except FileNotFoundError:
        return None


def write_summary(folder: Path, values: dict[str, Any]) -> None:
    with replacing(folder / "summary.json") as path:
        path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n")


def status_of(folder: Path) -> str:
    """One of `STATUSES`. A run that says it is running, while nobody holds its lock, was interrupted."""
    locked = is_locked(folder)
    summary = read_summary(folder)
    if summary is None:
        return "running" if locked else "planned"
    if summary["status"] == "running" and not locked and not is_locked(folder):  # nor has anybody come since
        summary = read_summary(folder) or summary
        return "interrupted" if summary["status"] == "running" else summary["status"]
    return summary["status"]


def set_ended(folder: Path, status: str, error: str | None, *, overrule: bool) -> None:
    """Note the end of a run that could not do so itself; `overrule` the reason for which it says that it failed.

    Nothing is changed where another process has gone on with the run.
    """
    if read_summary(folder) is None:
        return
    with contextlib.suppress(Busy), lock(folder):
        summary = read_summary(folder)
        if summary is not None and summary["status"] in ("running", *["failed"] * overrule):
            write_summary(folder, summary | {"status": status, "error": error})


def is_locked(folder: Path) -> bool:
    try:
        file = (folder / ".lock").open()
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep everybody else out of a run folder while this process lives; raises Busy where somebody is there."""
    with (folder / ".lock").open("a") as file:
        deadline = time.monotonic() + WAIT
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy(f"another process is at work in {folder}: wait for it, or stop it") from None
                time.sleep(0.05)
        _held.add(file.fileno())
        try:
            yield
        finally:
            _held.discard(file.fileno())


def let_go() -> None:
    """For a process forked from one that holds a lock: it must not hold it on when that one has died."""
    while _held:
        os.close(_held.pop())
