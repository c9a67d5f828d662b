"""A search over a toy space, with a launcher that trains nothing."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT
from hourglass.sweeps.search.space import Choice, Interval, Space

optuna = pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
from hourglass.sweeps.search.study import Launch, SearchSettings, home  # noqa: E402

SETTINGS = SearchSettings(trials=6, random_trials=3, seed=0)
TOY = Space(["model=conv"], {"op": Choice(["good", "bad"]), "lr": Interval(1e-3, 1.0, None, log=True)}, "toy")


def with_trials(trials: int) -> SearchSettings:
    return replace(SETTINGS, trials=trials)


def toy(folder: Path, status: Callable[[dict[str, str]], str] = lambda _: "completed") -> Launch:
    """Jobs whose val/loss is |log10(lr) + 2|, and 1 more for op=bad; each leaves the summary of a run."""

    def launch(jobs: list[list[str]], first: int) -> Sequence[Path]:
        runs = []
        for overrides in jobs:
            given = dict(override.split("=") for override in overrides)
            run = folder / given["trial"]
            run.mkdir(exist_ok=True)
            summary = {"format": FORMAT, "status": status(given), "metrics": {"val/loss": loss(given)}}
            write_json(run / "summary.json", summary)
            runs.append(run)
        return runs

    return launch


def loss(given: dict[str, Any]) -> float:
    return abs(torch.tensor(float(given["lr"]), dtype=torch.float64).log10().item() + 2) + (given["op"] == "bad")


def finished(folder: Path) -> list[tuple[Any, ...]]:
    """(trial id, val/loss) of what the database of a search has finished."""
    with sqlite3.connect(home(folder) / "optuna.db", timeout=30) as database:
        rows = database.execute("SELECT trial_id, value FROM trial_values JOIN trials USING (trial_id)")
        return sorted(rows.fetchall())
