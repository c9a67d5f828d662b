"""Processes of one run on several nodes, before torch connects them: they find each other, and what they share.

Each waits for the others, but not for ever, and hears why one of them could not come along.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from hourglass.core.errors import Busy, ConfigError, JobFailed, StorageError
from hourglass.core.files import replacing, unwritable
from hourglass.core.processes import locks

MARK = ".nodes"
"""A file in the run folder while its processes meet"""
SEEN_WITHIN = 60.0
"""Seconds after which what one node has written is to be seen on another: NFS goes by what it knows for so long."""
READY_WITHIN = 1800.0
"""Seconds that the others may take to read their images: as long as torch itself would wait for them."""


class Store(Protocol):
    """Strings that all processes of a run see: torch's own store, which the first of them has opened."""

    def set(self, key: str, value: str) -> None: ...

    def get(self, key: str) -> bytes: ...

    def check(self, keys: list[str]) -> bool: ...


class Meeting:
    """One process, the `rank`-th of `size`, among those of a run."""

    def __init__(self, store: Store, rank: int, size: int) -> None:
        self.store, self.rank, self.size = store, rank, size
        self.where = f"rank {rank} on {socket.gethostname()}"

    def agree(self, identity: str, folder: Path) -> None:
        """Raise where the processes were not given the same configuration, by its id, or do not share the run folder.

        A folder is shared where all of them see what the first has written, synced and renamed there, and find locked
        what it has locked.
        """
        for text in self._all("configuration", f"{identity} {self.where}"):
            theirs, _, where = text.partition(" ")
            if theirs != identity:
                raise ConfigError(
                    f"{self.where} was given run {identity}, {where} was given run {theirs}: give every node the same "
                    "command"
                )
        with self._mark(folder) as mark:
            seen = self._all("folder", "" if self.rank == 0 else self._what_is_wrong(folder, mark))
        if wrong := next(filter(None, seen), None):
            raise StorageError(wrong)

    def ready(self) -> None:
        """Wait for the others to be; raises JobFailed with the reason of one that has failed instead."""
        self._all("ready", "", READY_WITHIN)

    def failed(self, error: BaseException) -> None:
        """Tell those who wait for this process, or will, that it is not coming, and why."""
        with contextlib.suppress(Exception):  # nobody is left to be told
            self.store.set("failed", f"{self.where}: {str(error) or type(error).__name__}")

    @contextmanager
    def _mark(self, folder: Path) -> Iterator[str]:
        """What the first process has written into the folder, and holds locked."""
        if self.rank > 0:
            yield self._all("mark", "")[0]
            return
        path, mark = folder / MARK, uuid4().hex
        try:
            with locks.lock(path.with_suffix(".lock"), wait=0):
                with replacing(path, durable=True) as partial:
                    partial.write_text(mark, encoding="utf-8")
                yield self._all("mark", mark)[0]
        except locks.Locked:
            raise Busy(f"another command is at work in {folder}: wait for it, or stop it") from None
        except StorageError:
            raise
        except OSError as error:
            raise unwritable(path, error) from error
        finally:
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)

    def _what_is_wrong(self, folder: Path, mark: str) -> str:
        """Why a folder that the first process has marked is not shared with this one; empty where it is."""
        path, deadline = folder / MARK, time.monotonic() + SEEN_WITHIN
        while _read(path) != mark:
            if time.monotonic() > deadline:
                return (
                    f"{self.where} does not see in {folder} what rank 0 has written there: choose a folder that all "
                    "nodes share, as in hydra.run.dir=FOLDER"
                )
            time.sleep(0.1)
        if not locks.is_locked(path.with_suffix(".lock")):
            return (
                f"{self.where} finds no lock in {folder} where rank 0 holds one, and nothing would keep two commands "
                "out of one run: choose a folder whose locks all nodes share, as in hydra.run.dir=FOLDER, or mount it "
                "so (NFS without nolock and local_lock, Lustre with flock)"
            )
        return ""

    def _all(self, key: str, value: str, wait: float | None = None) -> list[str]:
        """What each process says under this key, this one `value`."""
        self.store.set(f"{key}/{self.rank}", value)
        wait = wait or 2 * SEEN_WITHIN
        keys = [f"{key}/{rank}" for rank in range(self.size)]
        deadline = time.monotonic() + wait
        while not self.store.check(keys):  # not a call that blocks, which no signal would interrupt
            if self.store.check(["failed"]):
                raise JobFailed(self.store.get("failed").decode())
            if time.monotonic() > deadline:
                silent = [str(rank) for rank, one in enumerate(keys) if not self.store.check([one])]
                raise JobFailed(
                    f"nothing was heard of rank {', '.join(silent)} for {wait:.0f} s: see what it printed, stop all, "
                    "and give every node the command again"
                )
            time.sleep(0.1)
        return [self.store.get(one).decode() for one in keys]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None
