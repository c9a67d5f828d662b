"""Files that are whole or not there, and files of others, which may be anything."""

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from hourglass.core.errors import DataError, StorageError, Torn

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DENIED = (errno.EROFS, errno.EACCES, errno.EPERM)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO)
"""Why a file cannot be written, where that is the disk's or the folder's doing."""


def expanded(path: str | Path) -> Path:
    """With `~` as the home folder; that of an unknown user stays as it is written, so that nothing is found there.

    Raises DataError where `~` is of a user who has no home.
    """
    there = Path(os.path.expanduser(path))
    if there.parts[:1] == ("~",):
        raise DataError("~ is the home directory of a user, and this one has none: write the path in full, or set HOME")
    return there


def inside(path: Path, folder: Path, *, largest: int | None = None) -> Path:
    """The regular file that `path` is, without links; whoever made `folder` may have put anything there.

    Raises FileNotFoundError where nothing is there; Torn where a link leads out of `folder`, where it is no regular
    file (reading a pipe would wait for ever), or has more than `largest` bytes.
    """
    there = within(path, folder)
    try:
        status = there.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
    if not stat.S_ISREG(status.st_mode):
        raise Torn(f"{path} is no regular file: nothing was read")
    if largest is not None and status.st_size > largest:
        raise Torn(f"{path} has {status.st_size:,} bytes, and {largest:,} are read at most: nothing was read")
    return there


def within(path: Path, folder: Path) -> Path:
    """`path` without links, whether it is there or not; raises Torn where it is not in `folder`."""
    try:
        there = path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        there = Path("/")
    if not there.is_relative_to(folder.resolve()):
        raise Torn(f"{path} leads out of {folder}: nothing was read or written there")
    return there


def read_text(path: Path, folder: Path, *, largest: int) -> str:
    """The text of a file in a folder that anybody made; raises as `inside`, ValueError where it is no UTF-8."""
    return inside(path, folder, largest=largest).read_text(encoding="utf-8")


@contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Gives a path beside `path` to write to, which takes its place once that is done; what fails leaves nothing.

    A reader, and whoever comes after a kill, finds the old file or the new one, never half of one; of several that
    write the same file, the last one wins. The name is a new one each time: no link can lie there before. `durable`: on
    the disk before it takes the place, so that it outlives a power cut too.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    partial.touch(exist_ok=False)
    try:
        yield partial
        if durable:
            with partial.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(partial, path)
        if durable and os.name == "posix":  # the name is in the folder, which is to be on the disk too
            descriptor = os.open(path.parent, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
    finally:
        partial.unlink(missing_ok=True)


def refuse_to_replace(path: Path, overwrite: bool) -> None:
    """Raise DataError where something lies there, unless overwriting was asked for; a folder is never replaced."""
    if path.is_dir():
        raise DataError(f"{path} is a folder: choose another out=")
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise DataError(f"{path} exists: choose another out=, or overwrite=true")


def remove_leftovers(folder: Path) -> None:
    """What `replacing` was writing in a run folder when its process was killed; call it while nobody else writes."""
    for path in (*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")):
        path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """`content` as JSON, for people to read too; raises ValueError for numbers that JSON does not have."""
    with replacing(path, durable=True) as partial:
        partial.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


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
