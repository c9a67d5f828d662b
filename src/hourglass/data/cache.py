"""Decoded images in a file that is mapped into memory: decoded once, shared by all jobs and ranks.

An entry is a folder of its own, named by a digest of what it is made from: `images.npy`, (N, C, H, W) uint8, and
`card.json`. It is written beside its place and renamed once it is whole, so that of two processes that make the same
one, on two machines too, each finds a whole one.
"""

import hashlib
import json
import logging
import math
import mmap
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor

from hourglass.core.errors import DataError, StorageError
from hourglass.core.files import expanded, unwritable, write_json
from hourglass.core.processes.locks import lock
from hourglass.core.text import first_line

log = logging.getLogger(__name__)
VERSION = 1
"""Part of every key: raise it when pictures are decoded otherwise."""
BLOCK = 2**24
"""Bytes that are held against the checksum at once."""


Fill = Callable[[np.ndarray], dict[int, str]]
IMAGES, CARD = "images.npy", "card.json"


class Mapped(NamedTuple):
    images: Tensor
    """(N, C, H, W) uint8"""
    broken: dict[int, str]
    """Number of a picture that could not be read, and is not among the images -> the reason"""
    release: Callable[[], None] | None
    """See `hourglass.data.splits.Splits`"""
    known: dict[str, Any]
    """What was written beside them"""


def folder_of(cache: str | None) -> Path | None:
    """Where entries are kept; None: nowhere, all is decoded into memory."""
    return None if cache is None else expanded(cache)


def key_of(*parts: object) -> str:
    """The name of an entry: 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()[:32]


def cached(
    folder: Path | None,
    key: str,
    about: dict[str, Any],
    shape: Sequence[int],
    fill: Fill,
) -> Mapped:
    """The images of an entry, made where it is not there; `folder` None: made in memory, each time.

    `fill` writes all images into an array of this `shape` (N, C, H, W), and returns what it could not read. `about`
    says what it is, for people. Raises StorageError where the entry cannot be written, DataError where it is damaged.
    """
    if folder is None:
        array = np.zeros(shape, np.uint8)
        broken = fill(array)
        return Mapped(torch.from_numpy(_without(array, broken)), broken, None, about)
    place = folder / key
    if not place.is_dir():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(folder / f"{key}.lock"):
                if not place.is_dir():
                    _make(place, about, shape, fill)
        except OSError as error:
            if isinstance(error, DataError | StorageError):
                raise
            raise unwritable(place, error) from error
    return _open(place)


def kept(folder: Path | None, key: str, what: str, read: Callable[[], tuple[Tensor, dict[str, Any]]]) -> Mapped:
    """The images that `read` returns, (N, C, H, W) uint8, and what it knows of them, in plain values; read once.

    Raises as `cached`.
    """
    if folder is not None and (folder / key).is_dir():
        return _open(folder / key)
    images, known = read()
    if folder is None:
        return Mapped(images, {}, None, known)

    def fill(out: np.ndarray) -> dict[int, str]:
        torch.from_numpy(out).copy_(images)
        return {}

    return cached(folder, key, {"what": what, **known}, images.shape, fill)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """The lock saves work only: without it, several processes decode the same pictures, and one entry stays."""
    with ExitStack() as held:
        try:
            held.enter_context(lock(path))
        except StorageError:
            log.info("the file system of %s has no locks: several processes may decode the same pictures", path.parent)
        yield


def _make(place: Path, about: dict[str, Any], shape: Sequence[int], fill: Fill) -> None:
    building = place.with_name(f".{place.name}.{uuid4().hex}.tmp")
    building.mkdir()
    try:
        path = building / IMAGES
        array = np.lib.format.open_memmap(path, "w+", np.uint8, tuple(shape))
        broken = fill(array)
        if broken:
            whole, path = path, building / "whole.npy"
            kept = [i for i in range(len(array)) if i not in broken]
            target = np.lib.format.open_memmap(path, "w+", np.uint8, (len(kept), *shape[1:]))
            for start in range(0, len(kept), 1000):
                target[start : start + 1000] = array[kept[start : start + 1000]]
            array = target
            os.replace(path, whole)
        array.flush()
        shape = array.shape
        del array
        card = {"images": shape, "crc32": _crc32(building / IMAGES), "broken": {str(i): w for i, w in broken.items()}}
        write_json(building / CARD, about | card)
        try:
            os.rename(building, place)
        except OSError:
            if not place.is_dir():  # or another process was faster
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _open(place: Path) -> Mapped:
    """Every byte is held against the checksum once: a result is never about images that a disk has changed."""
    cure = f"{place} is damaged: delete it, and the pictures are decoded again"
    try:
        card = json.loads((place / CARD).read_text(encoding="utf-8"))
        with (place / IMAGES).open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError("another version of the format")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            start, size = file.tell(), os.fstat(file.fileno()).st_size
            if fortran or dtype != np.uint8 or list(shape) != card["images"] or size != start + math.prod(shape):
                raise ValueError("not the images that card.json tells of")
            if math.prod(shape) == 0:
                return Mapped(torch.zeros(shape, dtype=torch.uint8), _broken(card), None, card)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        if _crc32(place / IMAGES) != card["crc32"]:
            raise ValueError("changed bytes")
        os.utime(place / CARD)  # when it was used last
    except PermissionError as error:
        raise DataError(f"{error.filename} cannot be read: give permission") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{cure} ({first_line(error)})") from error
    images = torch.from_numpy(np.frombuffer(mapped, np.uint8, offset=start).reshape(shape))
    release = partial(mapped.madvise, mmap.MADV_DONTNEED) if hasattr(mmap, "MADV_DONTNEED") else None
    return Mapped(images, _broken(card), release, card)


def _broken(card: dict[str, Any]) -> dict[int, str]:
    return {int(i): str(reason) for i, reason in card["broken"].items()}


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            value = zlib.crc32(block, value)
    return value


def _without(array: np.ndarray, broken: dict[int, str]) -> np.ndarray:
    return np.delete(array, list(broken), axis=0) if broken else array
