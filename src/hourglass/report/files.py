"""The files of a run folder, read with suspicion: what is torn raises, and is never filled up."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hourglass.ids import without_volatile

UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError, OmegaConfBaseException)
"""What a torn, truncated or foreign file raises."""
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it


def read_config(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(as written, resolved) by dotted key, without the volatile part, which may need Hydra to resolve."""
    plain = without_volatile(yaml.load(path.read_text(), Loader))
    return flat(plain), flat(OmegaConf.to_container(OmegaConf.create(plain), resolve=True))


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": [1, 2]}}` -> `{"a.b": [1, 2]}`"""
    if not isinstance(node, dict):
        return {prefix: node}
    dot = f"{prefix}." if prefix else ""
    return {path: leaf for key, inner in node.items() for path, leaf in flat(inner, f"{dot}{key}").items()}


def read_beside(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """(content by name, what is wrong with the others) of the files beside `summary.json`.

    `metrics.csv` must be there; the rest an older run, or one of tiny images, does not have.
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
    return content, wrong


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def read_numbers(path: Path) -> pd.DataFrame:
    """A CSV of numbers with a header. Raises ValueError where a row is not whole, which pandas would fill with NaN."""
    text = path.read_text()
    lines = text.splitlines()
    if not text.endswith("\n") or any(line.count(",") != lines[0].count(",") for line in lines):
        raise ValueError("it ends within a row")
    table = pd.read_csv(io.StringIO(text), dtype=float)
    return table.astype({"step": int}) if "step" in table else table


def check_zip(path: Path) -> Path:
    if not zipfile.is_zipfile(path):  # the list of contents stands at the end
        raise ValueError("it is not whole")
    return path


READERS = {".csv": read_numbers, ".npz": check_zip, ".json": read_json}
