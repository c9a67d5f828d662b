"""The picture files in a folder, each known by its content, so that a run's id says which pictures it means.

A content is read once: its digest is kept beside the decoded pictures, for as long as size and times of the file stay
the same.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hourglass.core.errors import DataError
from hourglass.core.files import expanded, replacing
from hourglass.core.progress import Progress

log = logging.getLogger(__name__)
SPLITS = ("train", "val", "test")
FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
    "AVIF": (".avif", ".avifs"),
}
"""As Pillow calls them, and what the names of such files end in. It knows 30 more; one, PostScript, is a program."""
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)


@dataclass(frozen=True, slots=True)  # there may be a million
class PictureFile:
    root: Path
    """The folder that was given"""
    name: str
    """Below it, with / between its parts"""
    digest: str
    """SHA-256 of its content, hexadecimal"""

    @property
    def path(self) -> Path:
        return self.root / self.name


def own_split(name: str) -> str | None:
    """Of a picture in a folder `train`, `val` or `test`: its split."""
    first, slash, _ = name.partition("/")
    return first if slash and first in SPLITS else None


def split_by_content(digest: str, val_share: float, test_share: float) -> str:
    """The split of a picture without one: a function of its content alone, so that other files do not move it."""
    place = int(digest[:16], 16) / 16**16
    return "test" if place < test_share else "val" if place < test_share + val_share else "train"


def list_pictures(root: Path, kept: Path | None) -> list[PictureFile]:
    """Every picture below `root`, by its name, but hidden ones; sorted by name. `kept`: a folder for the digests.

    Raises DataError where `root` is no folder, or a picture cannot be read.
    """
    if not root.is_dir():
        raise DataError(f"data.root={root} is no folder: name the one that holds your pictures")
    memory = None if kept is None else kept / "digests" / f"{_sha256_of(str(root.resolve()).encode())[:16]}.json"
    before = _remembered(memory)
    try:
        states = dict(sorted(_states(os.fspath(root), "", set())))
        now = {name: line for name, state in states.items() if (line := before.get(name, "")).startswith(f"{state}:")}
        new = [name for name in states if name not in now]
        progress = Progress(log, f"reading the picture files in {root}", len(new))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for name, digest in zip(new, threads.map(lambda name: sha256(root / name), new), strict=True):
                now[name] = f"{states[name]}:{digest}"
                progress.advance()
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}): give permission, or move it") from error
    if memory is not None and now != before:
        _remember(memory, now)
    return [PictureFile(root, name, now[name].partition(":")[2]) for name in states]


def pair_up(files: Iterable[PictureFile], sides: Sequence[str]) -> dict[str, list[PictureFile | None]]:
    """Name below its side, without the ending -> the file of that name on each side, None where a side has none.

    Raises DataError where a side has two of a name.
    """
    pairs: dict[str, list[PictureFile | None]] = {}
    for file in files:
        for i, side in enumerate(sides):
            if PurePosixPath(side) in PurePosixPath(file.name).parents:
                name = PurePosixPath(file.name).relative_to(side).with_suffix("").as_posix()
                pair = pairs.setdefault(name, [None] * len(sides))
                if other := pair[i]:
                    raise DataError(f"{other.path} and {file.path} have the same name but for its ending: rename one")
                pair[i] = file
    return pairs


def checksums_of_pictures(root: str | None, kept: str | None, *sides: str) -> dict[str, str] | None:
    """Of the pictures below `root`, wherever that is and whatever they are called: see `checksums_of`.

    With `sides`, of the pairs. None where none are there (yet), or what is there cannot be used, which will be said
    when it is to be read.
    """
    try:
        files = [] if root is None else list_pictures(expanded(root), None if kept is None else Path(kept))
        if not sides:
            return checksums_of({file.name: [file.digest] for file in files}) or None
        pairs = {name: [f.digest for f in pair if f is not None] for name, pair in pair_up(files, sides).items()}
        return checksums_of({name: digests for name, digests in pairs.items() if len(digests) == len(sides)}) or None
    except DataError:
        return None


def checksums_of(digests: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """8 hexadecimal digits of what lies in each of the folders `train`, `val` and `test`, and in `any` other.

    `digests`: by the name of an image, of the files that make it. Names and order have no part in it.
    """
    contents: dict[str, list[Sequence[str]]] = {}
    for name, digest in digests.items():
        contents.setdefault(own_split(name) or "any", []).append(digest)
    return {split: _sha256_of(json.dumps(sorted(contents[split])).encode())[:8] for split in sorted(contents)}


def checksum_of_file(path: str, *, unless: bool = False) -> str | None:
    """8 hexadecimal digits of a file's content; None where it is not there, or is not needed."""
    file = expanded(path)
    return None if unless or not file.is_file() else sha256(file)[:8]


def _states(folder: str, prefix: str, seen: set[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """(name, size and times) of every picture; links are followed, each folder once."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _states(entry.path, f"{name}/", seen)
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file():
                status = entry.stat()
                yield name, f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _remembered(memory: Path | None) -> dict[str, str]:
    try:
        entries = {} if memory is None else json.loads(memory.read_text(encoding="utf-8"))
        return {str(name): str(line) for name, line in entries.items()}
    except (OSError, ValueError, AttributeError):  # none yet, or damaged: read them again
        return {}


def _remember(memory: Path, entries: dict[str, str]) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with replacing(memory) as partial:
            partial.write_text(json.dumps(entries), encoding="utf-8")
    except OSError as error:
        log.warning("the digests of the pictures cannot be kept in %s (%s): they are computed each time", memory, error)


def sha256(path: Path) -> str:
    """Of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
