"""What was measured in a run, by name: its title, its meaning in a sentence, and which values are the better ones."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hourglass.core.errors import ConfigError
from hourglass.core.measures import COSTS, GROUPS, MEASURES, Direction, Measure, direction, find
from hourglass.core.text import meant
from hourglass.report.reading.run import Run
from hourglass.report.reading.runs import Sweep
from hourglass.runs.baselines.names import BASELINES

LEAST = ("cost/latency_ms", "cost/decoder_latency_ms", "cost/peak_memory_bytes")
"""Measured on a machine whose other work can only raise them: the least of a configuration's runs is nearest."""
RATES = ("code_bits", "bits_per_pixel")
"""Those that have a figure of their own"""
REFERENCES = {name: Measure(baseline.title, baseline.meaning, "lower") for name, baseline in BASELINES.items()}
"""What needs no network; `ratio/` is the test MSE over it (for the entropy the BCE), below 1 beats it."""
KEY_NUMBERS = (
    "test/mse", "test/psnr", "test/ssim", "test/ms_ssim", "test/phase_bias_2", "test/flat_field_ripple_1", "test/kl",
    "probe/logistic", "probe/knn",
    "cost/num_params", "cost/macs_per_image", "cost/macs_fused_per_image", "cost/index_bits", "cost/bits_per_pixel",
    "cost/latency_ms", "cost/peak_memory_bytes", "cost/images_per_second",
)  # fmt: skip
"""What one sees before choosing, where it was measured, beside the metric of the report and the tightest ratio."""


@dataclass(frozen=True)
class Measures:
    """What the numbers of some runs are."""

    declared: Mapping[str, Measure]
    """How the runs themselves describe what is not of this package, by the last part of its name"""

    @classmethod
    def of(cls, sweep: Sweep) -> "Measures":
        return cls(sweep.declared)

    def measure(self, name: str) -> tuple[Measure, str]:
        """(what it is, the number behind its name or "") of `test/phase_bias_2`, `cost/num_params`, …"""
        group, what = name.split("/", 1) if "/" in name else ("", name)
        known = {**self.declared, **COSTS, **MEASURES} if group not in ("ratio", "baseline") else REFERENCES
        return find(what, known) or (Measure(what.replace("_", " ")), "")

    def title(self, name: str) -> str:
        """`test/phase_bias_2` -> `phase bias, stride 2`"""
        what, suffix = self.measure(name)
        return what.full_title.replace("{}", suffix)

    def full_title(self, name: str) -> str:
        """`init/phase_bias_2` -> `phase bias, stride 2: before the first step`: where no heading tells the group."""
        group = name.split("/", 1)[0]
        if group == "ratio":
            return f"ratio to {self.title(name)}"
        return (
            self.title(name) if group in ("test", "cost") else f"{self.title(name)}: {GROUPS.get(group, group).lower()}"
        )

    def real_name(self, name: str) -> str:
        """`test/phase_bias_2` -> `real/phase_bias_2`, the real images' own value, against which this is held; "" where
        it is held against nothing."""
        held = name.startswith(("test/", "init/", "val/")) and self.measure(name)[0].better == "real"
        return f"real/{name.split('/', 1)[1]}" if held else ""

    def direction(self, name: str) -> Direction | None:
        """As `hourglass.core.measures.direction` tells."""
        return direction(name, self.measure(name)[0])

    def check(self, metric: str, runs: Sequence[Run]) -> None:
        """Raise ConfigError where no run has this metric, or where none of its values is better than another."""
        if not any(metric in numbers(run) for run in runs):
            directed = [name for name in names_of(runs) if self.direction(name)]
            raise ConfigError(f"metric={metric} was not measured in these runs{instead(metric, directed)}")
        if self.direction(metric) is None:
            what = metric.split("/", 1)[1]
            cure = next((name for name in (f"gap/{what}", f"ratio/{what}") if name in names_of(runs)), "test/mse")
            why = "has no network in it" if metric.startswith(("real/", "baseline/")) else "was logged without `better`"
            why = "is held against real/, not against 0" if self.real_name(metric) else why
            raise ConfigError(f"metric={metric} {why}, so no value of it is better than another: use metric={cure}")


def numbers(run: Run) -> dict[str, float]:
    """All numbers of a run: metrics by their names, then `cost/…`, `ratio/…` (result over baseline), `baseline/…`, and
    `gap/phase_bias_2`, the distance |`test/phase_bias_2` - `real/phase_bias_2`|, of whatever has a `real/`; and
    `test/top_octave`, which its spectrum says."""
    real = {name.removeprefix("real/"): value for name, value in run.metrics.items() if name.startswith("real/")}
    gaps = {name: abs(run.metrics[f"test/{name}"] - real[name]) for name in real if f"test/{name}" in run.metrics}
    octave = {} if math.isnan(run.top_octave) else {"top_octave": run.top_octave}
    groups = {
        "": run.metrics,
        "test/": octave,
        "cost/": run.cost,
        "ratio/": run.ratios,
        "baseline/": run.baselines,
        "gap/": gaps,
    }
    return {prefix + name: value for prefix, values in groups.items() for name, value in values.items()}


def names_of(runs: Sequence[Run]) -> list[str]:
    """The names of all numbers that any of the runs has."""
    return list(dict.fromkeys(name for run in runs for name in numbers(run)))


def instead(wrong: str, names: Iterable[str]) -> str:
    """`: did you mean A or B?`, or the first of the names where none is near."""
    names = list(dict.fromkeys(names))
    if near := meant(wrong, names, most=3, cutoff=0.75):
        return f": {near}"
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"; there are {', '.join(names[:8])}{more}" if names else ""
