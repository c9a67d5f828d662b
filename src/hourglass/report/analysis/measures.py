"""What was measured in a run, by name: its title, its meaning in a sentence, and which values are the better ones."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hourglass.core.errors import ConfigError
from hourglass.report.reading.run import Run
from hourglass.runs.baselines.names import BASELINES

Direction = Literal["lower", "higher"]
NUMBERED = re.compile(r"(.+)_(\d+)$")


@dataclass(frozen=True)
class Measure:
    title: str
    """{} is the number behind the name: `phase_bias_2`"""
    meaning: str
    better: Direction | None = "lower"
    """None: neither end is, the value is held against that of the real images"""
    decibels: bool = False
    """A logarithm already: a difference says something, a ratio nothing"""


GROUPS = {
    "test": "On the test images",
    "ratio": "Relative to a baseline",
    "cost": "Cost",
    "gap": "Distance from the real images",
    "init": "Before the first step",
    "val": "On the validation images",
    "train": "On the training images",
    "real": "Of the real images",
    "baseline": "Baselines",
}
"""What stands before the / of a name -> what it is called, in the order of the page."""
COSTS = {
    "macs_per_image": Measure(
        "multiply-adds per image", "Multiplications, each with its addition, in one forward pass."
    ),
    "num_params": Measure("parameters", "Numbers that are learned, encoder and decoder."),
    "code_size": Measure("numbers in the code", "What the decoder is given for an image."),
    "index_bits": Measure("bits of positions", "What max unpooling passes on beside the code: where each maximum was."),
    "train_seconds": Measure("seconds of training", "Time from the first step to the last, validation included."),
    "images_per_second": Measure("images per second in training", "How fast it was trained.", "higher"),
    "peak_memory_bytes": Measure("peak memory, bytes", "Of the GPU where there was one, else of the whole process."),
}
"""In the order in which quality is drawn against them."""
MEASURES = {
    "loss": Measure("loss", "What the training minimises, a mean over pixels."),
    "mse": Measure("MSE", "Mean squared error of a pixel, with pixels in [0, 1]."),
    "psnr": Measure("PSNR, dB", "10 log₁₀(1 / MSE), of the mean error over all images.", "higher", True),
    "psnr_per_image": Measure("PSNR per image, dB", "The mean of each image's own PSNR.", "higher", True),
    "psnr_input": Measure("PSNR of the input, dB", "PSNR of the corrupted input as it is.", "higher", True),
    "psnr_gain": Measure("gain, dB", "PSNR of the reconstruction minus that of the corrupted input.", "higher", True),
    "ssim": Measure("SSIM", "Structural similarity to the target; 1 where they are equal.", "higher"),
    "kl": Measure("KL, nats", "How far the code of an image is from the prior, in nats."),
    "reconstruction": Measure("reconstruction, nats", "Reconstruction loss, summed over the pixels of an image."),
    "elbo": Measure("ELBO, nats", "Evidence lower bound of an image: minus reconstruction, minus KL.", "higher"),
    "phase_bias": Measure(
        "phase bias, stride {}", "Share of an image's variance that is a pattern of the stride's period, 0 to 1.", None
    ),
    "phase_imbalance": Measure(
        "phase imbalance, stride {}",
        "Energy of fine detail by phase of the stride: (most - least) / (most + least), 0 if all are equal.", None,
    ),
    "harmonic_peak": Measure(
        "harmonic peak, stride {}, dB",
        "Power at the stride's harmonics relative to that beside them: above 0 a pattern, below 0 a gap.", None, True,
    ),
    "phase_error_imbalance": Measure(
        "phase error imbalance, stride {}", "The same of the error: 0 if its energy is equal in all phases."
    ),
    "flat_field_ripple": Measure(
        "flat-field ripple, stage {}",
        "Pattern that a stage of the decoder puts on a flat field, over the spread of its outputs; 0 if none.",
    ),
    "shift_consistency": Measure(
        "shift consistency, {} px", "Of the output of a shifted image, held against the shifted output: PSNR in dB.",
        "higher", True,
    ),
}  # fmt: skip
REFERENCES = {name: Measure(baseline.title, baseline.meaning) for name, baseline in BASELINES.items()}
"""What needs no network; `ratio/` is the test MSE over it (for the entropy the BCE), below 1 beats it."""
KEY_NUMBERS = (
    "test/mse", "test/psnr", "test/ssim", "test/phase_bias_2", "test/flat_field_ripple_1", "test/kl",
    "cost/num_params", "cost/macs_per_image", "cost/index_bits", "cost/images_per_second",
)  # fmt: skip
"""What one sees before choosing, where it was measured, beside the metric of the report and the tightest ratio."""


def measure(name: str) -> tuple[Measure, str]:
    """(what it is, the number behind its name or "") of `test/phase_bias_2`, `cost/num_params`, …"""
    group, what = name.split("/", 1) if "/" in name else ("", name)
    known = COSTS | MEASURES if group not in ("ratio", "baseline") else REFERENCES
    numbered = NUMBERED.match(what)
    if what not in known and numbered and numbered[1] in known:
        return known[numbered[1]], numbered[2]
    return known.get(what, Measure(what.replace("_", " "), "")), ""


def title(name: str) -> str:
    """`test/phase_bias_2` -> `phase bias, stride 2`"""
    what, suffix = measure(name)
    return what.title.format(suffix)


def full_title(name: str) -> str:
    """`init/phase_bias_2` -> `phase bias, stride 2: before the first step`: where no heading tells the group."""
    group = name.split("/", 1)[0]
    if group == "ratio":
        return f"ratio to {title(name)}"
    return title(name) if group in ("test", "cost") else f"{title(name)}: {GROUPS.get(group, group).lower()}"


def real_name(name: str) -> str:
    """`test/phase_bias_2` -> `real/phase_bias_2`, the real images' own value, against which this is held; "" where an
    end of the scale is better."""
    held = name.startswith(("test/", "init/", "val/")) and measure(name)[0].better is None
    return f"real/{name.split('/', 1)[1]}" if held else ""


def metric_direction(name: str) -> Direction | None:
    """Which values are the better ones; None for what has no network in it, or is held against `real/`."""
    if name.startswith(("real/", "baseline/")):
        return None
    return "lower" if name.startswith(("gap/", "ratio/")) else measure(name)[0].better


def numbers(run: Run) -> dict[str, float]:
    """All numbers of a run: metrics by their names, then `cost/…`, `ratio/…` (result over baseline), `baseline/…`, and
    `gap/phase_bias_2`, the distance |`test/phase_bias_2` - `real/phase_bias_2`|, of whatever has a `real/`."""
    real = {name.removeprefix("real/"): value for name, value in run.metrics.items() if name.startswith("real/")}
    gaps = {name: abs(run.metrics[f"test/{name}"] - real[name]) for name in real if f"test/{name}" in run.metrics}
    groups = {"": run.metrics, "cost/": run.cost, "ratio/": run.ratios, "baseline/": run.baselines, "gap/": gaps}
    return {prefix + name: value for prefix, values in groups.items() for name, value in values.items()}


def names_of(runs: Sequence[Run]) -> list[str]:
    """The names of all numbers that any of the runs has."""
    return list(dict.fromkeys(name for run in runs for name in numbers(run)))


def check_metric(metric: str, runs: Sequence[Run]) -> None:
    """Raise ConfigError where no run has this metric, or where none of its values is better than another."""
    names = names_of(runs)
    if metric not in names:
        directed = [name for name in names if metric_direction(name)]
        raise ConfigError(f"metric={metric} was not measured in these runs{instead(metric, directed)}")
    if metric_direction(metric) is None:
        what = metric.split("/", 1)[1]
        cure = next((name for name in (f"gap/{what}", f"ratio/{what}") if name in names), "test/mse")
        why = "is held against real/, not against 0" if real_name(metric) else "has no network in it"
        raise ConfigError(f"metric={metric} {why}, so no value of it is better than another: use metric={cure}")


def instead(wrong: str, names: Iterable[str]) -> str:
    """`: did you mean A or B?`, or the first of the names where none is near."""
    names = list(dict.fromkeys(names))
    last = [name for name in names if re.split("[/=]", name)[-1] == re.split("[/=]", wrong)[-1]]
    near = list(dict.fromkeys([*last, *difflib.get_close_matches(wrong, names, cutoff=0.75)]))[:3]
    if near:
        return f": did you mean {' or '.join(near)}?"
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"; there are {', '.join(names[:8])}{more}" if names else ""
