"""One completed run, as it lies in its folder; and a job without a result."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hourglass.core.measures import Measure
from hourglass.core.text import as_option

Columns = dict[str, np.ndarray]
"""Name -> the values of a column of a table"""
OF_CODES = ("interpolations", "traversals", "neighbours")
"""Pictures of the code that are drawn at the end of training"""
ABSENT = ""
"""In place of a value, where a configuration has no such key."""


@dataclass(frozen=True)
class Problem:
    """A job without a result; or a file that cannot be read, of a run that may have a result nevertheless."""

    id: str
    status: str
    """planned, running, failed, diverged, incompatible, interrupted, pruned; torn; repeated: a newer run is the same"""
    reason: str
    overrides: list[str]
    folder: Path


@dataclass
class Run:
    """A completed run; `metrics`, `cost`, `baselines`, `ratios`, … are those of its `summary.json`."""

    folder: Path
    id: str
    raw: dict[str, Any]
    """Dotted key -> value as it is written, `${channels}`; without the volatile keys"""
    config: dict[str, Any]
    """Dotted key -> value, resolved; a list is a value"""
    choices: dict[str, str]
    seed: int
    metrics: dict[str, float]
    cost: dict[str, float]
    overrides: list[str]
    baselines: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    rate_curves: dict[str, list[list[float]]] = field(default_factory=dict)
    """[bits per pixel, test MSE] of codes without a network, by name"""
    measures: dict[str, Measure] = field(default_factory=dict)
    """How the run describes what it logged, by the last part of its name"""
    effects: list[str] = field(default_factory=list)
    """Its callbacks that change what is trained, by their names in the configuration"""
    health: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    channels: list[int] = field(default_factory=list)
    decoder_channels: list[int] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)
    """Content of the files beside `summary.json`, by name"""

    def logged(self) -> Columns:
        """`metrics.csv`, one row per logging step, with the `seconds` of `times.csv`, NaN where it has none.

        Without rows where the file is torn or missing: then the sweep's `others` name it.
        """
        columns: Columns = self.files.get("metrics.csv", {"step": np.array([], int)})
        times = self.files.get("times.csv", {"step": [], "seconds": []})
        seconds = dict(zip(times["step"], times["seconds"], strict=True))
        return columns | {"seconds": np.array([seconds.get(step, np.nan) for step in columns["step"]], float)}

    def history(self) -> pd.DataFrame:
        """The same as a table of pandas."""
        return pd.DataFrame(self.logged())

    def spectrum(self) -> Columns:
        """`spectra.csv`: frequency in cycles per pixel; power of input, target, output, error; empty without one."""
        spectrum: Columns = self.files.get("spectra.csv", {"frequency": np.array([])})
        return spectrum

    @cached_property
    def top_octave(self) -> float:
        """Power of the output over that of the target between ¼ and ½ cycles per pixel, dB; NaN without a spectrum.

        A ring of the radius f has f times as many frequencies as one of radius 1: the means of the rings are weighted.
        """
        spectrum = self.spectrum()
        frequency = spectrum["frequency"]
        inside = (frequency >= 0.25) & (frequency <= 0.5)
        if not inside.any():
            return math.nan
        output, target = (float((frequency * spectrum[name])[inside].sum()) for name in ("output", "target"))
        return 10 * math.log10(output / target) if output > 0 and target > 0 else math.nan

    def spectra(self) -> pd.DataFrame:
        """The same as a table of pandas."""
        return pd.DataFrame(self.spectrum())

    def examples(self) -> dict[str, np.ndarray] | None:
        """`examples.npz`, as `hourglass.training.callbacks.Examples` describes it."""
        if "examples.npz" not in self.files:
            return None
        with np.load(self.files["examples.npz"], allow_pickle=False) as arrays:
            return dict(arrays)

    def code_pictures(self) -> dict[str, Path]:
        """Name -> PNG: `interpolations`, `traversals`, `neighbours` of the last epoch, `samples_<sampler>`; unread."""
        paths = [path for name in OF_CODES for path in sorted(self.folder.glob(f"images/{name}_epoch*.png"))[-1:]]
        paths += sorted(self.folder.glob("codes/samples_*.png"))
        return {path.stem.split("_epoch")[0]: path for path in paths}

    def evaluations(self) -> list[dict[str, Any]]:
        """The run evaluated again, under other corruption or on other data: the files of `evaluations/`."""
        return [content for name, content in self.files.items() if name.startswith("evaluations/")]


def value_of(run: Run, key: str) -> str:
    """The option chosen for a group, or the value of a dotted key, as one types it."""
    return run.choices[key] if key in run.choices else as_option(run.config.get(key, ABSENT))
