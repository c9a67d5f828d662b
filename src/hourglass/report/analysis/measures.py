"""What was measured in a run, by name: its title, its meaning in a sentence, and which values are the better ones."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hourglass.core.errors import ConfigError
from hourglass.report.reading.run import Run

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
    "ratio": "Over a floor",
    "cost": "Cost",
    "gap": "Distance from the real images",
    "init": "Before the first step",
    "val": "On the validation images",
    "train": "On the training images",
    "real": "Of the real images",
    "floor": "Floors",
}
"""What stands before the / of a name -> what it is called, in the order of the page."""
COSTS = {
    "macs_per_image": Measure("multiply-adds an image", "Multiplications with an addition in one forward pass."),
    "num_params": Measure("parameters", "Numbers that are learned, encoder and decoder."),
    "code_numbers": Measure("numbers in the code", "What the encoder hands on for an image."),
    "index_bits": Measure(
        "bits of positions beside the code", "What max unpooling sends past the code: where each maximum stood."
    ),
    "train_seconds": Measure("seconds of training", "Time from the first step to the last, validation included."),
    "images_per_second": Measure("images a second in training", "How fast it was trained.", "higher"),
    "peak_memory_bytes": Measure(
        "bytes of memory at the peak", "Of the GPU where there was one, else of the whole process."
    ),
}
"""In the order in which quality is drawn against them."""
FLOORS = {
    "mean_image": Measure("the mean image", "The mean of the training images in place of every image."),
    "pca": Measure("PCA", "Principal components, as many as there are numbers in the code: the best affine code."),
    "patch_pca": Measure("PCA of patches", "The best linear convolution whose stamps do not overlap."),
    "pool_nearest": Measure(
        "pooling + nearest", "Average pooling to the grid of the code, and nearest neighbour back."
    ),
    "pool_bicubic": Measure("pooling + bicubic", "Average pooling to the grid of the code, and bicubic back."),
    "noisy_input": Measure("the noisy input", "The corrupted input, left as it is."),
    "wiener": Measure("Wiener filter", "The best linear denoiser, for noise of this strength."),
    "wiener_code": Measure("Wiener filter of a code", "The best linear denoiser with as many numbers in its code."),
    "affine": Measure("affine denoiser", "The best affine denoiser."),
    "bce_entropy": Measure("entropy of the targets", "The lowest BCE that any reconstruction of grey pixels can have."),
}
"""What needs no network; `ratio/` is the test MSE over it (for the entropy the BCE), below 1 beats it."""
MEASURES = {
    "loss": Measure("loss", "What the training minimises, a mean over pixels."),
    "mse": Measure("MSE", "Mean squared error of a pixel, with pixels in [0, 1]."),
    "psnr": Measure("PSNR, dB", "10 log₁₀(1 / MSE), of the mean error over all images.", "higher", True),
    "psnr_per_image": Measure("PSNR an image, dB", "The mean of each image's own PSNR.", "higher", True),
    "psnr_input": Measure("PSNR of the input, dB", "PSNR of the corrupted input as it is.", "higher", True),
    "psnr_gain": Measure("gain, dB", "PSNR of the reconstruction less that of the corrupted input.", "higher", True),
    "ssim": Measure("SSIM", "Structural similarity to the target; 1 where they are equal.", "higher"),
    "kl": Measure("KL, nats", "How far the code of an image is from the prior, in nats an image."),
    "reconstruction": Measure("reconstruction, nats", "Reconstruction loss, summed over the pixels of an image."),
    "elbo": Measure("ELBO, nats", "Evidence lower bound of an image: less reconstruction, less KL.", "higher"),
    "phase_bias": Measure(
        "phase bias, stride {}", "Share of an image's variance that is a pattern of the stride's period, 0 to 1.", None
    ),
    "phase_imbalance": Measure(
        "phase imbalance, stride {}",
        "Fine detail by phase of the stride: (most - least) / (most + least) of its energy; 0 where alike in all.",
        None,
    ),
    "harmonic_peak": Measure(
        "harmonic peak, stride {}, dB",
        "Power at the stride's harmonics over that beside them: above 0 a pattern, below 0 a hole.",
        None,
        True,
    ),
    "phase_error_imbalance": Measure(
        "phase error imbalance, stride {}",
        "The error by phase of the stride: (most - least) / (most + least) of its energy; 0 where alike in all.",
    ),
    "flat_field_ripple": Measure(
        "flat-field ripple, stage {}",
        "Pattern that a stage of the decoder puts on a flat field, over the spread of its outputs; 0 where none.",
    ),
    "shift_consistency": Measure(
        "shift consistency, {} px",
        "How alike are the output of a shifted image and the shifted output, as PSNR in dB.",
        "higher",
        True,
    ),
}
KEY_NUMBERS = (
    "test/mse", "test/psnr", "test/ssim", "test/phase_bias_2", "test/flat_field_ripple_1", "test/kl",
    "cost/num_params", "cost/macs_per_image", "cost/index_bits", "cost/images_per_second",
)  # fmt: skip
"""What one sees before choosing, where it was measured, beside the metric of the report and the tightest ratio."""


def measure(name: str) -> tuple[Measure, str]:
    """(what it is, the number behind its name or "") of `test/phase_bias_2`, `cost/num_params`, …"""
    group, what = name.split("/", 1) if "/" in name else ("", name)
    known = COSTS | MEASURES if group not in ("ratio", "floor") else FLOORS
    numbered = NUMBERED.match(what)
    if what not in known and numbered and numbered[1] in known:
        return known[numbered[1]], numbered[2]
    return known.get(what, Measure(what.replace("_", " "), "")), ""


def title(name: str) -> str:
    """`test/phase_bias_2` -> `phase bias, stride 2`"""
    found, number = measure(name)
    return found.title.format(number)


def full_title(name: str) -> str:
    """`init/phase_bias_2` -> `phase bias, stride 2: before the first step`: where no heading tells the group."""
    group = name.split("/", 1)[0]
    if group == "ratio":
        return f"ratio to {title(name)}"
    return title(name) if group in ("test", "cost") else f"{title(name)}: {GROUPS.get(group, group).lower()}"


def is_held_against_real(name: str) -> bool:
    """Is the reference of a number the real images' own value, and not an end of the scale?"""
    return name.startswith(("test/", "init/", "val/")) and measure(name)[0].better is None


def metric_direction(name: str) -> Direction | None:
    """Which values are the better ones; None for what has no network in it, or is held against `real/`."""
    if name.startswith(("real/", "floor/")):
        return None
    return "lower" if name.startswith(("gap/", "ratio/")) else measure(name)[0].better


def numbers(run: Run) -> dict[str, float]:
    """All numbers of a run: metrics by their names, then `cost/…`, `ratio/…` (result over floor), `floor/…`, `gap/…`.

    `gap/phase_bias_2` is the distance |`test/phase_bias_2` - `real/phase_bias_2`|.
    """
    real = {name.removeprefix("real/"): value for name, value in run.metrics.items() if name.startswith("real/")}
    gaps = {name: abs(run.metrics[f"test/{name}"] - real[name]) for name in real if f"test/{name}" in run.metrics}
    groups = {"": run.metrics, "cost/": run.cost, "ratio/": run.ratios, "floor/": run.floors, "gap/": gaps}
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
        why = "is held against real/, not against 0" if is_held_against_real(metric) else "has no network in it"
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
