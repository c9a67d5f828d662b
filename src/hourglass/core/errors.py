"""Every error that a user can cause, each with the status it leaves in `summary.json`. No torch in here."""

import signal
from pathlib import Path

from hourglass.core.text import printable


class HourglassError(Exception):
    """A mistake in the input or the configuration; the message alone tells the cure, no traceback is needed."""

    status = "failed"

    def __str__(self) -> str:
        return str(printable(super().__str__()))  # it may quote what a stranger wrote


class ConfigError(HourglassError, ValueError):
    """A configured value of the wrong type, out of range, given twice, or without effect."""


class IncompatiblePair(HourglassError, ValueError):
    """Parts that cannot work together, or not on images of this size."""

    status = "incompatible"


class DataError(HourglassError, OSError):
    """Images that are missing, unreadable, or too few."""


class Torn(DataError):
    """A file that is not whole, or not what its name says."""


class Diverged(HourglassError, ArithmeticError):
    """The loss became NaN or infinite."""

    status = "diverged"


class Busy(HourglassError):
    """Another process is at work in this run folder; nothing was changed there."""

    status = "busy"


class Done(HourglassError):
    """Another process has ended this run in the meantime; nothing was changed there."""

    status = "done"


class JobFailed(HourglassError):
    """A run in processes of its own did not end well; the message is the reason that its first failing rank gave."""


class Disconnected(HourglassError):
    """The connection to a process of this run on another node is lost."""

    status = "interrupted"


class StorageError(HourglassError, OSError):
    """A file that could not be written, on a full disk for example; what was there before is whole."""


class Pruned(HourglassError):
    """A search gave up on this run, since others do better."""

    status = "pruned"


class Fault(Exception):
    """Of this package or a library, and nobody's mistake: its cause says what it was, the `log` has the traceback."""

    def __init__(self, log: Path) -> None:
        super().__init__(log)
        self.log = log


class Interrupted(SystemExit):
    """Stopped by SIGINT or SIGTERM, after saving. The exit code is 130 or 143, as shells count."""

    status = "interrupted"

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return (Interrupted, (self.signum,))  # from a launcher's worker to its parent

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.signum).name}; the same command continues it"
