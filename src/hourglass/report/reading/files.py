"""The files of a run folder, read with suspicion: what is torn raises an error, and is never filled up."""

import io
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hourglass.config.configuration import flat
from hourglass.config.identity import without_volatile
from hourglass.core.errors import Torn
from hourglass.core.files import inside, read_text
from hourglass.core.text import command, printable
from hourglass.report.reading.run import Columns
from hourglass.runs.evaluation import records
from hourglass.runs.evaluation.codes import records as codes
from hourglass.runs.read import check_identity, read_configuration

LARGEST_TABLE = 50_000_000
"""Bytes of a CSV file that are read: some 100,000 logged steps."""
LARGEST_ARRAYS = 64_000_000
"""Bytes of `examples.npz`, unpacked: 20 images of 600×600×3 pixels in each role."""


def read_config(folder: Path, summary: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration of a run (as written, resolved) by dotted key, without its volatile part."""
    configuration = read_configuration(folder)
    check_identity(folder, summary, configuration)
    trees = (configuration.written, configuration.plain)
    written, plain = (flat(printable(without_volatile(tree))) for tree in trees)
    return written, plain


def read_beside(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """(content by name, what is wrong with the others) of the files beside `summary.json`.

    `metrics.csv` must be there; the rest only where there was something to write.
    """
    optional = [folder / name for name in ("times.csv", "spectra.csv", "examples.npz")]
    paths = [folder / "metrics.csv", *(path for path in optional if path.exists() or path.is_symlink())]
    content: dict[str, Any] = {}
    wrong: list[str] = []
    for path in [*paths, *(path for kind in WEIGHED for path in sorted(folder.glob(f"{kind}/*.json")))]:
        try:
            read = WEIGHED[path.parent.name][0] if path.suffix == ".json" else READERS[path.suffix]
            content[path.relative_to(folder).as_posix()] = read(folder, path)
        except Exception as error:  # on a damaged file the decoders raise errors of any type
            reason = str(error)
            wrong.append(str(printable(reason if reason.startswith(str(path)) else f"{path}: {reason}")))
    return content, wrong + _of_other_weights(folder, content)


def _of_other_weights(folder: Path, content: dict[str, Any]) -> list[str]:
    """Take out what was measured later, and not with the weights that are there now; what is wrong with it."""
    evaluated = [name for name in content if name.split("/")[0] in WEIGHED]
    try:
        weights = records.weights_of(folder) if evaluated else None
    except FileNotFoundError:
        weights = None  # without them nobody can tell
    except Torn as error:
        weights = str(error)
    wrong = []
    for name in evaluated:
        if weights is not None and content[name].get("weights") != weights:
            del content[name]
            again = command(WEIGHED[name.split("/")[0]][1])
            wrong.append(f"{folder / name}: it is of other weights; {again} run={folder} measures again")
    return [str(printable(text)) for text in wrong]


def read_numbers(folder: Path, path: Path) -> Columns:
    """A CSV of numbers with a header, by column. Raises ValueError where a row is not whole, where a column is missing,
    where a value is none, and where a step occurs twice."""
    text = read_text(path, folder, largest=LARGEST_TABLE)
    header, *rows = text.splitlines() or [""]
    names = header.split(",")
    if not text.endswith("\n") or {row.count(",") for row in rows} - {len(names) - 1}:
        raise ValueError("it ends within a row")
    if len(names) > MOST_COLUMNS:
        raise ValueError(f"it has more than {MOST_COLUMNS} columns")
    refuse_gaps(COLUMNS[path.name] - set(names))
    cells = ",".join(rows).split(",") if rows else []
    values = np.array([float(cell or "nan") for cell in cells]).reshape(len(rows), len(names))
    table: Columns = dict(zip(names, values.T, strict=True))
    for name in sorted(COLUMNS[path.name]):
        if not (np.isfinite(table[name]) & (table[name] >= 0) & (table[name] < 2**53)).all():
            raise ValueError(f"{name} has values that are no finite numbers from 0 on")
    if "step" in table:
        steps, times = np.unique(table["step"], return_counts=True)
        if (steps % 1).any():
            raise ValueError("a step is no whole number")
        if (times > 1).any():
            raise ValueError(f"step {steps[times > 1][0]:g} occurs twice")
        table["step"] = table["step"].astype(int)
    return table


def check_examples(folder: Path, path: Path) -> Path:
    """The file itself: the pictures in it are read where they are shown. Raises ValueError where they do not fit."""
    there = inside(path, folder, largest=LARGEST_ARRAYS)
    if not zipfile.is_zipfile(there):  # the list of contents is at its end
        raise ValueError("it is not whole")
    with zipfile.ZipFile(there) as file:
        members = {one.filename.removesuffix(".npy"): one for one in file.infolist()}
        refuse_gaps(set(EXAMPLES) - set(members))
        if set(members) - set(EXAMPLES) or len(members) < len(file.infolist()):
            raise ValueError(f"it holds more than {', '.join(EXAMPLES)}")
        if sum(one.file_size for one in members.values()) > LARGEST_ARRAYS:
            raise ValueError(f"it unpacks to more than {LARGEST_ARRAYS:,} bytes")
        arrays = {name: _array(file, one, EXAMPLES[name]) for name, one in members.items()}
    index, mse, each = arrays["index"], arrays["mse"], arrays["each"]
    pictures = {arrays[role].shape for role in ("input", "target", "output")}
    if len(pictures) > 1 or arrays["input"].ndim != 4 or not arrays["input"].size or mse.ndim != 1 or each.ndim:
        raise ValueError("its pictures differ in their shape")
    if index.shape != arrays["input"].shape[:1] or not 0 < 3 * each < len(index):
        raise ValueError("it has not as many pictures as it says")
    if not ((index >= 0) & (index < len(mse))).all():
        raise ValueError("it shows images that were not tested")
    return there


def _array(file: zipfile.ZipFile, member: zipfile.ZipInfo, kind: str) -> NDArray[Any]:
    """Raises ValueError where the header is of another kind of array, or the file holds more or less than it promises,
    BadZipFile where the sum does not match."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise ValueError(f"{member.filename} is packed as numpy packs nothing")
    with file.open(member) as stream:
        header, _, content = stream.read(member.file_size).partition(b"\n")  # to the end, where the sum is looked at
    shape, in_columns, dtype = _parsed(header + b"\n")
    if dtype.kind not in kind or dtype.itemsize * int(np.prod(shape, dtype=object)) != len(content):
        raise ValueError(f"{member.filename} holds another array than it says")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if in_columns else "C")


@lru_cache(100)  # the runs of a sweep have the same few
def _parsed(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, is it in the order of Fortran?, type) of an array; raises ValueError where that is not all it says."""
    stream = io.BytesIO(header)
    read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    parsed: tuple[tuple[int, ...], bool, np.dtype[Any]] = read(stream)
    if stream.read():
        raise ValueError("a header holds more than it says")
    return parsed


def refuse_gaps(missing: set[str]) -> None:
    if missing:
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")


COLUMNS = {
    "metrics.csv": {"step"},
    "times.csv": {"step", "seconds"},
    "spectra.csv": {"frequency", "input", "target", "output", "error"},
}
"""What each table must have at least"""
MOST_COLUMNS = 10_000
EXAMPLES = {"mse": "f", "index": "iu", "each": "iu", "input": "u", "target": "u", "output": "u"}
"""The arrays of `examples.npz`, as `hourglass.training.callbacks.Examples` describes them, and the kind of each"""
READERS = {".csv": read_numbers, ".npz": check_examples}
WEIGHED = {"evaluations": (records.read, "evaluate"), "codes": (codes.read, "probe")}
"""Folders of what was measured later, with what reads it and the command that measures it"""
