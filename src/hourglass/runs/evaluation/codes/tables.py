"""Tables of codes, written a batch at a time: Parquet, and NumPy's NPZ."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.lib import format as npy

from hourglass.core.errors import ConfigError


@dataclass(frozen=True)
class Codes:
    """Some rows of the table."""

    code: np.ndarray
    """(n, D) float32"""
    files: list[str] | None
    """Of pictures"""
    split: str | None
    """Of a data set"""
    index: np.ndarray
    """(n,) int64, in the split, or among the pictures given"""
    labels: np.ndarray | None
    """(n,) int64, where the data set has them"""


class Table(Protocol):
    def add(self, codes: Codes) -> None: ...


@contextmanager
def table(path: Path, ending: str, size: int, told: Mapping[str, Any]) -> Iterator[Table]:
    """A table at `path` for codes of `size` numbers, whole at the end of the block; `told`: about all of it.

    Raises ConfigError where Parquet's package is missing.
    """
    with _parquet(path, size, told) if ending == ".parquet" else _npz(path, size) as writer:
        yield writer


class _Parquet:
    def __init__(self, writer: Any, schema: Any, size: int) -> None:
        self.writer, self.schema, self.size = writer, schema, size

    def add(self, codes: Codes) -> None:
        import pyarrow

        n, flat = len(codes.code), pyarrow.array(codes.code.ravel())
        columns = {
            "file": codes.files or _nothing(n),
            "split": [codes.split] * n,
            "index": codes.index,
            "label": _nothing(n) if codes.labels is None else codes.labels,
            "code": pyarrow.FixedSizeListArray.from_arrays(flat, self.size),
        }
        self.writer.write_table(pyarrow.table(columns, schema=self.schema))  # a row group


def _nothing(n: int) -> list[str | None]:
    return [None] * n


@contextmanager
def _parquet(path: Path, size: int, told: Mapping[str, Any]) -> Iterator[Table]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise ConfigError(f"Parquet needs {error.name}: pip install 'hourglass[embed]', or use out=….npz") from None
    kinds = {"file": pyarrow.string(), "split": pyarrow.string(), "index": pyarrow.int64(), "label": pyarrow.int64()}
    fields = [*kinds.items(), ("code", pyarrow.list_(pyarrow.float32(), size))]
    schema = pyarrow.schema(fields, metadata={"hourglass": json.dumps(dict(told))})
    with parquet.ParquetWriter(path, schema) as writer:
        yield _Parquet(writer, schema, size)


class _Npz:
    def __init__(self, codes: IO[bytes]) -> None:
        self.codes = codes
        self.files: list[str] = []
        self.splits: list[str] = []
        self.index: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []
        self.count = 0

    def add(self, codes: Codes) -> None:
        self.codes.write(np.ascontiguousarray(codes.code, "<f4").tobytes())
        self.count += len(codes.code)
        self.files += codes.files or []
        self.splits += [codes.split] * len(codes.code) if codes.split else []
        self.index.append(codes.index)
        self.labels += [] if codes.labels is None else [codes.labels]

    def small(self) -> dict[str, np.ndarray]:
        """All but the codes; what there is nothing of is left out."""
        arrays = {"index": np.concatenate(self.index) if self.index else np.zeros(0, np.int64)}
        arrays |= {"file": np.array(self.files)} if self.files else {}
        arrays |= {"split": np.array(self.splits)} if self.splits else {}
        labels = np.concatenate(self.labels) if self.labels else np.zeros(0, np.int64)
        return arrays | ({"label": labels} if len(labels) == self.count > 0 else {})


@contextmanager
def _npz(path: Path, size: int) -> Iterator[Table]:
    """The codes wait in a file, since how many there are stands before them."""
    with tempfile.TemporaryFile(dir=path.parent) as codes:
        writer = _Npz(codes)
        yield writer
        codes.seek(0)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            with archive.open("code.npy", "w", force_zip64=True) as member:
                header = {"descr": "<f4", "fortran_order": False, "shape": (writer.count, size)}
                npy.write_array_header_1_0(member, header)
                shutil.copyfileobj(codes, member, 2**20)
            for name, array in writer.small().items():
                with archive.open(f"{name}.npy", "w") as member:
                    npy.write_array(member, array, allow_pickle=False)
