"""The status of a run folder, always right: what `summary.json` says, and who is at work there."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hourglass.core.errors import Busy, Torn
from hourglass.core.files import write_json
from hourglass.core.processes import locks
from hourglass.runs.read import read_summary, summary_of

STATUSES = ("planned", "running", "completed", "failed", "diverged", "incompatible", "interrupted", "pruned", "torn")
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


def to_do(status: str, retry: str | None) -> bool:
    """Is a job of this status to be trained, where `retry` is a key of `RETRY`?"""
    return status in ("planned", "running", "interrupted", "torn", *RETRY[retry])


def status_of(folder: Path) -> str:
    """One of `STATUSES`. A run that says it is running, while nobody holds its lock, was interrupted."""
    locked = is_locked(folder)
    try:
        summary = read_summary(folder)
    except Torn:
        return "running" if locked else "torn"
    if summary is None:
        return "running" if locked else "planned"
    if summary["status"] == "running" and not locked and not is_locked(folder):  # nor has anybody come since
        summary = read_summary(folder) or summary
        return "interrupted" if summary["status"] == "running" else summary["status"]
    return summary["status"]


def value_of(folder: Path) -> float | None:
    """What a sweeper minimises: the best val/loss of a completed run; None of any other."""
    summary = summary_of(folder)
    return summary["metrics"]["val/loss"] if summary.get("status") == "completed" else None


def set_ended(folder: Path, status: str, error: str | None, *, overrule: bool) -> None:
    """Note the end of a run that could not do so itself; `overrule` the reason for which it says that it failed.

    Nothing is changed where another process has gone on with the run.
    """
    if not summary_of(folder):
        return
    with contextlib.suppress(Busy), lock(folder):
        summary = summary_of(folder)
        if summary.get("status") in ("running", *["failed"] * overrule):
            write_json(folder / "summary.json", summary | {"status": status, "error": error})


def is_locked(folder: Path) -> bool:
    return locks.is_locked(folder / ".lock")


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep everybody else out of a run folder while this process lives; raises Busy where somebody is there."""
    try:
        with locks.lock(folder / ".lock", WAIT):
            yield
    except locks.Locked:
        raise Busy(f"another process is at work in {folder}: wait for it, or stop it") from None
