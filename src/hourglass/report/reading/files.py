"""The files of a run folder, read with suspicion: what is torn raises an error, and is never filled up."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from omegaconf.errors import OmegaConfBaseException

from hourglass.config.identity import without_volatile
from hourglass.core.files import read_json
from hourglass.core.text import command
from hourglass.runs.evaluation.records import weights_of
from hourglass.runs.read import read_configuration

UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError, OmegaConfBaseException)
"""What a torn, truncated or foreign file raises."""


def read_config(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration of a run (as written, resolved) by dotted key, without its volatile part."""
    configuration = read_configuration(folder)
    return flat(without_volatile(configuration.written)), flat(without_volatile(configuration.plain))


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": [1, 2]}}` -> `{"a.b": [1, 2]}`"""
    if not isinstance(node, dict):
        return {prefix: node}
    dot = f"{prefix}." if prefix else ""
    return {path: leaf for key, inner in node.items() for path, leaf in flat(inner, f"{dot}{key}").items()}


def read_beside(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """(content by name, what is wrong with the others) of the files beside `summary.json`.

    `metrics.csv` must be there; the rest only where there was something to write.
    """
    optional = [folder / name for name in ("times.csv", "spectra.csv", "examples.npz")]
    paths = [folder / "metrics.csv", *(path for path in optional if path.exists())]
    content: dict[str, Any] = {}
    wrong: list[str] = []
    for path in [*paths, *sorted(folder.glob("evaluations/*.json"))]:
        try:
            content[path.relative_to(folder).as_posix()] = READERS[path.suffix](path)
        except UNREADABLE as error:
            wrong.append(f"{path}: {error}")
    return content, wrong + _of_other_weights(folder, content)


def _of_other_weights(folder: Path, content: dict[str, Any]) -> list[str]:
    """Take out the evaluations that were not made with the weights that are there now; what is wrong with them."""
    best, wrong = folder / "checkpoints" / "best.ckpt", []
    records = [name for name in content if name.startswith("evaluations/")]
    weights = weights_of(folder) if records and best.is_file() else None
    for name in records:
        if weights is not None and content[name].get("weights") != weights:
            del content[name]
            wrong.append(f"{folder / name}: it is of other weights; {command('evaluate')} run={folder} measures again")
    return wrong


def read_numbers(path: Path) -> pd.DataFrame:
    """A CSV of numbers with a header. Raises ValueError where a row is not whole, which pandas would fill with NaN,
    where a column is missing, and where a step occurs twice."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if not text.endswith("\n") or any(line.count(",") != lines[0].count(",") for line in lines):
        raise ValueError("it ends within a row")
    table = pd.read_csv(io.StringIO(text), dtype=float)
    refuse_gaps(COLUMNS[path.name] - set(table))
    if "step" not in table:
        return table
    twice = table["step"][table["step"].duplicated()]
    if len(twice):
        raise ValueError(f"step {twice.iloc[0]:g} occurs twice")
    return table.astype({"step": int})


def check_examples(path: Path) -> Path:
    """The path itself: the arrays are read where they are shown. Raises ValueError where one is missing."""
    if not zipfile.is_zipfile(path):  # the list of contents is at its end
        raise ValueError("it is not whole")
    try:
        with zipfile.ZipFile(path) as file:
            damaged = file.testzip()
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"it is damaged: {error}") from error
    if damaged is not None:
        raise ValueError(f"it is damaged: the sum of {damaged} does not match")
    with zipfile.ZipFile(path) as file:
        refuse_gaps(EXAMPLES - {name.removesuffix(".npy") for name in file.namelist()})
    return path


def read_evaluation(path: Path) -> dict[str, Any]:
    """One `evaluations/<id>.json`. Raises ValueError where it is none."""
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("corruption"), dict):
        raise ValueError("it is not an evaluation")
    refuse_gaps({"id", "data", "metrics"} - set(record) | {"kind", "level"} - set(record["corruption"]))
    return record


def refuse_gaps(missing: set[str]) -> None:
    if missing:
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")


COLUMNS = {
    "metrics.csv": {"step"},
    "times.csv": {"step", "seconds"},
    "spectra.csv": {"frequency", "input", "target", "output", "error"},
}
"""What each table must have at least"""
EXAMPLES = {"mse", "index", "each", "input", "target", "output"}
"""The arrays of `examples.npz`, as `hourglass.training.callbacks.Examples` describes them"""
READERS = {".csv": read_numbers, ".npz": check_examples, ".json": read_evaluation}
