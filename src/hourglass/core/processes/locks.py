"""Locks on files, between processes of one machine or of a shared file system that knows `flock`.

A lock ends with the process that took it, however that ends. A process forked from it does not hold it on.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hourglass.core.errors import StorageError

try:
    import fcntl
except ModuleNotFoundError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

_held: set[int] = set()
"""File descriptors of the locks of this process."""


class Locked(Exception):
    """Another process holds the lock."""


@contextmanager
def lock(path: Path, wait: float | None = None) -> Iterator[None]:
    """Hold the exclusive lock of `path`, a file that is made where there is none.

    Waits up to `wait` seconds for another process, for ever if that is None; then raises Locked.
    """
    with open(path, "ab", opener=_no_link) as file:
        _acquire(file.fileno(), wait)
        _held.add(file.fileno())
        try:
            yield
        finally:
            _held.discard(file.fileno())


def is_locked(path: Path) -> bool:
    """Does a process hold the lock of `path`, this one included?"""
    try:
        file = open(path, "rb", opener=_no_link)  # noqa: SIM115
    except OSError:  # none is there, or something that nobody has locked
        return False
    with file:
        if fcntl is None:
            return False
        try:
            _flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _flock(descriptor: int, operation: int) -> None:
    try:
        fcntl.flock(descriptor, operation)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        raise StorageError(
            f"the file system here has no locks ({error.strerror}), which keep two processes out of one run: choose a "
            "folder on another one, as in hydra.run.dir=FOLDER or hydra.sweep.dir=FOLDER"
        ) from error


def _no_link(path: str, flags: int) -> int:
    """Opens no link, which may lead anywhere, and waits for no pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)


def _acquire(descriptor: int, wait: float | None) -> None:
    if fcntl is None:
        return  # one run at a time is the user's own care there: sweeps are refused
    if wait is None:
        _flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + wait
    while True:
        try:
            _flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Locked(descriptor) from None
            time.sleep(0.05)
        else:
            return


def _let_go() -> None:
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
