"""`metrics.csv`: what was logged in a run, in its folder whatever the logger."""

import csv
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only


class MetricsCsv(Logger):
    """`metrics.csv`: one row a logging step, one column a metric, empty where a metric was not logged at that step.

    Rows are kept in memory; the file is written anew, atomically, after `every_n_rows` new ones and at the end.
    """

    def __init__(self, folder: Path, every_n_rows: int = 100) -> None:
        super().__init__()
        self.path, self.every_n_rows = folder / "metrics.csv", every_n_rows
        self.rows: dict[int, dict[str, float]] = {}
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
        self.unwritten += 1

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """The configuration lies in `.hydra/` already."""

    @rank_zero_only
    def save(self) -> None:
        if self.unwritten >= self.every_n_rows:
            self.write()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.write()

    def write(self) -> None:
        columns = sorted({name for row in self.rows.values() for name in row} - {"epoch"})
        partial = self.path.with_suffix(".csv.tmp")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["step", "epoch", *columns])
            writer.writeheader()
            writer.writerows({"step": step, **row} for step, row in sorted(self.rows.items()))
        os.replace(partial, self.path)
        self.unwritten = 0
