"""What was measured in a run, by name, and which values are the better ones."""

import re
from collections.abc import Sequence
from typing import Literal

from hourglass.errors import ConfigError
from hourglass.report.run import Run

HIGHER = re.compile(r"psnr|ssim|shift_consistency|images_per_second")
DECIBELS = re.compile(r"psnr|shift_consistency|harmonic_peak")
"""Logarithms already: a difference says something, a ratio nothing."""


def metric_direction(name: str) -> Literal["lower", "higher"]:
    """Which values of a metric or a cost are the better ones."""
    return "higher" if HIGHER.search(name) else "lower"


def numbers(run: Run) -> dict[str, float]:
    """All numbers of a run: metrics by their names, then `cost/…`, `ratio/…` (result over floor), `floor/…`."""
    groups = {"": run.metrics, "cost/": run.cost, "ratio/": run.ratios, "floor/": run.floors}
    return {prefix + name: value for prefix, values in groups.items() for name, value in values.items()}


def names_of(runs: Sequence[Run]) -> list[str]:
    """The names of all numbers that any of the runs has."""
    return list(dict.fromkeys(name for run in runs for name in numbers(run)))


def check_metric(metric: str, runs: Sequence[Run]) -> None:
    """Raise ConfigError where no run has this metric."""
    names = names_of(runs)
    if metric not in names:
        raise ConfigError(f"metric={metric} was not measured in these runs; they have {', '.join(names)}")
