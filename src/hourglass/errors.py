"""Every error that a user can cause, each with the status it leaves in `summary.json`. No torch in here."""


class HourglassError(Exception):
    """A mistake in the input or the configuration; the message alone tells the cure, no traceback is needed."""

    status = "failed"


class ConfigError(HourglassError, ValueError):
    """A configured value of the wrong type, out of range, given twice, or without effect."""


class IncompatiblePair(HourglassError, ValueError):
    """Parts that cannot work together, or not on images of this size."""

    status = "incompatible"


class DataError(HourglassError, OSError):
    """Images that are missing, unreadable, or too few."""


class Diverged(HourglassError, ArithmeticError):
    """The loss became NaN or infinite."""

    status = "diverged"
