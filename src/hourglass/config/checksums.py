"""What tells image files from others of their name, so that a configuration, and its id, says which images it means."""

import gzip
import hashlib
import zlib
from functools import cache
from pathlib import Path

from hourglass.core.files import expanded

PUBLISHED = {
    "6bbc9ace898e44ae57da46a324031adb",  # MNIST, train
    "2646ac647ad5339dbf082846283269ea",  # MNIST, test
    "f4a8712d7a061bf5bd6d2ca38dc4d50a",  # FashionMNIST, train
    "8181f5470baa50b63fa0f6fddb340f0a",  # FashionMNIST, test
    "bdb82020997e1d708af4cf47b453dcf7",  # KMNIST, train, as it is packed
    "5c965bf0a639b31b8f53240b1b52f4d7",  # KMNIST, test, as it is packed
}
"""MD5 sums of the IDX files of images that everybody has."""
HALVES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
CHUNK = 2**20


def checksums(name: str, root: str) -> dict[str, str] | None:
    """Of the images of `name` in `root`: {"train": …, "test": …}, 8 hexadecimal digits each, but for published ones.

    None where all are published, or nothing is there (yet): a download is checked by torchvision, as are the files of
    the data sets that do not consist of IDX files. The same images have the same sums, packed or not.
    """
    sums = {}
    for half in HALVES:
        path = idx_file(name, expanded(root), half)
        if path is not None:
            status = path.stat()
            packed, md5, sha = _sums(path, status.st_size, status.st_mtime_ns)
            if not {packed, md5} & PUBLISHED:
                sums[half] = sha[:8]
    return sums or None


def idx_file(name: str, root: Path, half: str) -> Path | None:
    """Where the images of a half lie: `root` itself, or where torchvision puts them; packed or not."""
    for folder in (root, root / name / "raw"):
        for ending in ("", ".gz"):
            path = folder / f"{HALVES[half]}{ending}"
            if path.is_file():
                return path
    return None


def checksum(header_and_pixels: bytes) -> str:
    """Of the content of an IDX file."""
    return hashlib.sha256(header_and_pixels).hexdigest()[:8]


@cache
def _sums(path: Path, size: int, changed: int) -> tuple[str, str, str]:
    """(MD5 as it lies there, MD5 unpacked, SHA-256 unpacked) of a file of this size, last changed then."""
    packed, md5, sha = (hashlib.new(name, usedforsecurity=False) for name in ("md5", "md5", "sha256"))
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            packed.update(chunk)
    left = 2**32  # of what it unpacks to: more is no such file, and reading it will say so
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        try:
            while left > 0 and (chunk := file.read(CHUNK)):
                md5.update(chunk)
                sha.update(chunk)
                left -= len(chunk)
        except (OSError, EOFError, zlib.error):
            sha.update(b"damaged")  # as above
    return packed.hexdigest(), md5.hexdigest(), sha.hexdigest()
