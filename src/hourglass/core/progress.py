"""Progress of what takes more than a moment, as lines of a log: they are whole in files and in notebooks, too."""

import logging
import time

FIRST, THEN = 3.0, 10.0
"""Seconds until the first line, and between the next ones."""


class Progress:
    """`reading picture files: 1,200 of 5,000`, now and then, while `advance` is called for each."""

    def __init__(self, log: logging.Logger, what: str, total: int) -> None:
        self.log, self.what, self.total, self.done = log, what, total, 0
        self.due = time.monotonic() + FIRST

    def advance(self) -> None:
        self.done += 1
        if time.monotonic() > self.due and self.done < self.total:
            self.due = time.monotonic() + THEN
            self.log.info("%s: %s of %s", self.what, f"{self.done:,}", f"{self.total:,}")
