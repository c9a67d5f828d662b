"""IDX files, as the MNIST family comes: images and labels."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hourglass.config.checksums import checksum
from hourglass.core.errors import DataError
from hourglass.core.text import first_line

LEAST_PACKED, MOST_PACKED = 100_000_000, 50
"""Bytes that a compressed IDX file may always unpack to, and more than that as a multiple of its size; MNIST has 5."""


def read_idx(path: Path) -> Tensor:
    """(N, 1, H, W) uint8 from an IDX file, packed or not: 4 big-endian numbers (magic, N, H, W), then bytes.

    Raises DataError where the file is another, or does not hold what its header promises.
    """
    return _read(path, 3, "images").unsqueeze(1)


def read_labels(path: Path) -> Tensor:
    """(N,) int64 from an IDX file, packed or not: 2 big-endian numbers (magic, N), then bytes. Raises likewise."""
    return _read(path, 1, "labels").long()


def labels_beside(path: Path) -> Path | None:
    """The IDX file with the labels of the images in `path`, packed or not; None where there is none."""
    name = path.name.removesuffix(".gz").replace("images-idx3", "labels-idx1")
    return next((file for file in (path.with_name(name), path.with_name(f"{name}.gz")) if file.is_file()), None)


def _read(path: Path, rank: int, what: str) -> Tensor:
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no regular file")
        packed, size, header = path.suffix == ".gz", path.stat().st_size, 4 * (rank + 1)
        with gzip.open(path) if packed else path.open("rb") as file:
            magic, *shape = (int(number) for number in np.frombuffer(file.read(header), ">u4", rank + 1))
            promised = math.prod(shape)
            if magic != 0x800 + rank or not promised or (not packed and promised != size - header):
                raise ValueError(f"it is not a complete IDX file of {what}")
            if packed and promised > max(LEAST_PACKED, MOST_PACKED * size):
                raise ValueError(f"it unpacks to {promised:,} bytes, more than {MOST_PACKED} times its size")
            raw = bytearray(file.read(promised + 1))
            if len(raw) != promised:
                raise ValueError(f"it is not a complete IDX file of {what}")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {first_line(error)}") from error
    return torch.frombuffer(raw, dtype=torch.uint8).view(shape)


def idx_checksum(images: Tensor) -> str:
    """Of (N, 1, H, W) uint8 images, as `hourglass.config.checksums` has it of the IDX file that holds them."""
    n, _, h, w = images.shape
    return checksum(np.array([0x803, n, h, w], ">u4").tobytes() + images.contiguous().numpy().tobytes())
