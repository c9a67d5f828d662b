"""Files that are whole or not there."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from hourglass.core.errors import StorageError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DENIED = (errno.EROFS, errno.EACCES, errno.EPERM)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO)
"""Why a file cannot be written, where that is the disk's or the folder's doing."""


@contextmanager
def replacing(path: Path, *, shared: bool = False, durable: bool = False) -> Iterator[Path]:
    """Gives a path beside `path` to write to, which takes its place once that is done; what fails leaves nothing.

    A reader, and whoever comes after a kill, finds the old file or the new one, never half of one. `shared`: others
    may be writing the same file, and the last one wins. `durable`: on the disk before it takes the place, so that it
    outlives a power cut too.
    """
    partial = path.with_name(f".{path.name}{f'.{uuid4().hex}' if shared else ''}.tmp")
    try:
        yield partial
        if durable:
            with partial.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: Any, *, shared: bool = False) -> None:
    """`content` as JSON, for people to read too; raises ValueError for numbers that JSON does not have."""
    with replacing(path, shared=shared, durable=True) as partial:
        partial.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def unwritable(path: Path, error: Exception) -> StorageError:
    """What to tell of a file that could not be written, and what to do."""
    number = getattr(error, "errno", None)
    if number in GONE:
        return StorageError(f"{path} cannot be written ({error}): put its folder back, or begin again in another one")
    cure = "make it writable" if number in DENIED else "make space"
    there = next(parent for parent in path.resolve().parents if parent.exists())
    free = shutil.disk_usage(there).free / 1e6
    return StorageError(
        f"{free:,.1f} MB are free for {path}, which cannot be written ({error}); what was there before is whole: "
        f"{cure}, and the same command goes on from it"
    )


def is_of_storage(error: BaseException, folder: Path) -> bool:
    """Is it the disk, or the `folder` itself, that made an error, and no file elsewhere that somebody wants to read?"""
    if not isinstance(error, OSError):
        return False
    inside = error.filename is not None and Path(os.fsdecode(error.filename)).is_relative_to(folder)
    return error.errno in FULL or (error.errno in (*DENIED, *GONE) and inside)
