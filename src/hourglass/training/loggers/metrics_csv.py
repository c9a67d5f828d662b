"""`metrics.csv`: what was logged in a run, in its folder whatever the other loggers."""

import csv
import hashlib
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from hourglass.core.errors import DataError
from hourglass.core.files import replacing
from hourglass.core.text import first_line


class MetricsCsv(Logger):
    """`metrics.csv`: one row a logging step, one column a metric, empty where a metric was not logged at that step.

    Beside it `times.csv`: the seconds of training until each row. Rows are kept in memory; the files are written anew,
    atomically, after `every_n_rows` new ones, before each checkpoint and at the end.
    """

    def __init__(self, folder: Path, every_n_rows: int = 100) -> None:
        super().__init__()
        self.path, self.every_n_rows = folder / "metrics.csv", every_n_rows
        self.rows: dict[int, dict[str, float]] = {}
        self.seconds: dict[int, float] = {}
        self.start = time.monotonic()
        self.unwritten = 0

    @property
    def name(self) -> str:
        return "metrics.csv"

    @property
    def version(self) -> None:
        return None

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows.setdefault(step or 0, {}).update(metrics)
        self.seconds.setdefault(step or 0, round(time.monotonic() - self.start, 3))
        self.unwritten += 1

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the configuration lies in `.hydra/` already."""

    def last(self, prefixes: tuple[str, ...]) -> dict[str, float]:
        """The newest value of each metric whose name begins with one of these."""
        merged: dict[str, float] = {}
        for _, row in sorted(self.rows.items()):
            merged |= {name: value for name, value in row.items() if name.startswith(prefixes)}
        return merged

    def standing(self, before: int) -> dict[str, int | str]:
        """What a checkpoint of step `before` stands on: the number of earlier rows, and a digest of all in them."""
        return _standing(self.rows, self.seconds, before)

    def standing_in_files(self, before: int) -> dict[str, int | str]:
        """The same of what an earlier process left; raises DataError where that is torn."""
        return _standing(*self._read(), before)

    @rank_zero_only
    def keep(self, before: int) -> None:
        """Continue the files of an earlier process, without the rows that it logged at step `before` and later."""
        rows, seconds = self._read()
        self.rows = {step: row for step, row in rows.items() if step < before}
        self.seconds = {step: value for step, value in seconds.items() if step < before}
        self.start = time.monotonic() - max(self.seconds.values(), default=0.0)

    @rank_zero_only
    def save(self) -> None:
        if self.unwritten >= self.every_n_rows:
            self.write()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.write()

    def write(self) -> None:
        columns = sorted({name for row in self.rows.values() for name in row} - {"epoch"})
        write_rows(self.path.with_name("times.csv"), ["seconds"], {s: {"seconds": t} for s, t in self.seconds.items()})
        write_rows(self.path, ["epoch", *columns], self.rows)
        self.unwritten = 0

    def _read(self) -> tuple[dict[int, dict[str, float]], dict[int, float]]:
        times = read_rows(self.path.with_name("times.csv"))
        return read_rows(self.path), {step: row["seconds"] for step, row in times.items()}


def _standing(rows: dict[int, dict[str, float]], seconds: dict[int, float], before: int) -> dict[str, int | str]:
    earlier = {step: row for step, row in sorted(rows.items()) if step < before}
    digest = hashlib.sha256()
    for step, row in earlier.items():
        values = {name: float(value) for name, value in sorted(row.items())}
        digest.update(f"{step} {seconds.get(step)} {values}\n".encode())
    return {"rows": len(earlier), "digest": digest.hexdigest()[:16]}


def write_rows(path: Path, columns: list[str], rows: dict[int, dict[str, float]]) -> None:
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["step", *columns])
        writer.writeheader()
        writer.writerows({"step": step, **row} for step, row in sorted(rows.items()))


def read_rows(path: Path) -> dict[int, dict[str, float]]:
    """What `write_rows` wrote; nothing where there is no file yet. Raises DataError where it is torn."""
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {
                int(row.pop("step")): {k: int(v) if v.isdigit() else float(v) for k, v in row.items() if v}
                for row in csv.DictReader(file)
            }
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise DataError(f"{path} is torn ({first_line(error)})") from error
