"""Told to stop: what SIGINT and SIGTERM mean here."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from hourglass.core.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 2
"""Requests that are carried out in good order; the next one ends the process at once."""


@dataclass
class SweepStop:
    """Whether a sweep was told to stop: by a signal to this process, or by a file, in whatever process a job runs."""

    file: Path | None = None
    """Where this file is, the jobs save and stop; None: they outlive the command that started them."""
    received: list[int] = field(default_factory=list)
    """SIGINT and SIGTERM that came to this process while it trained nothing itself."""

    def handle_signals(self, first: Callable[[], object]) -> None:
        """From now on the first SIGINT or SIGTERM calls `first` and raises Interrupted, wherever this process is.

        It may be in the middle of a library, which may lose the exception or turn it into another: `check` raises it
        again. The second must not cut short what the first one set off, such as the table of a sweep; the third ends
        the process.
        """

        def handle(signum: int, _: FrameType | None) -> None:
            self.received.append(signum)
            if len(self.received) > PATIENCE:
                os._exit(128 + signum)
            if len(self.received) == 1:
                first()
                raise Interrupted(signum)

        for signum in SIGNALS:
            signal.signal(signum, handle)

    def by_file(self) -> bool:
        return self.file is not None and self.file.exists()

    def check(self) -> None:
        """Raise Interrupted if the sweep was told to stop."""
        if self.received:
            raise Interrupted(self.received[0])
        if self.by_file():
            raise Interrupted(signal.SIGTERM)


def ignore() -> None:
    """For a process that ends: Python drops its handlers then, and another signal must not cut that short."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


@contextmanager
def kept() -> Iterator[None]:
    """Whatever a library makes of SIGINT and SIGTERM in the block, afterwards they mean what they did before."""
    handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}
    try:
        yield
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)


@contextmanager
def blocked(signals: tuple[signal.Signals, ...]) -> Iterator[None]:
    """They wait until the end of the block, and in a process forked within until that unblocks them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


class StopRequest:
    """A flag that SIGINT and SIGTERM set, as a context: training looks at it between two batches, saves and stops."""

    def __init__(self) -> None:
        self.count = 0
        self.signum: int = signal.SIGTERM
        self.old: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        return self.count > 0

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():  # Python lets no other thread handle signals
            self.old = {signum: signal.getsignal(signum) for signum in SIGNALS}
            for signum in SIGNALS:
                signal.signal(signum, self._note)
            if hasattr(signal, "pthread_sigmask"):
                signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # `Worker`s start with these blocked
        return self

    def __exit__(self, *_: object) -> None:
        if self.requested:
            return  # the process is about to end: another signal must not end it in between
        for signum, handler in self.old.items():
            signal.signal(signum, handler)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > PATIENCE:
            os._exit(128 + signum)
        if self.count == 1:
            self.signum = signum
            name = signal.Signals(signum).name
            os.write(2, f"\n{name}: stopping at the next step; a third one stops at once\n".encode())
