"""Asked to stop: what SIGINT and SIGTERM mean here. No torch in here."""

import os
import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 2
"""Requests that are carried out in good order; the next one ends the process at once."""


class StopRequest:
    """A flag that SIGINT and SIGTERM set, as a context: training looks at it between two batches, saves and stops."""

    def __init__(self) -> None:
        self.count = 0
        self.signum: int = signal.SIGTERM
        self.old: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        return self.count > 0

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():  # Python lets no other thread handle signals
            self.old = {signum: signal.getsignal(signum) for signum in SIGNALS}
            self.listen()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # `jobs` starts ranks with these blocked
        return self

    def listen(self) -> None:
        """Handle the signals, also where another library has put its own handlers since."""
        for signum in self.old:
            signal.signal(signum, self._note)

    def __exit__(self, *_: object) -> None:
        if self.asked:
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
