"""Made-up sweep folders for the tests of the report: real configurations, plausible numbers, no training."""

import csv
import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from hourglass.config.compose import CONF, GROUPS, register_resolvers
from hourglass.config.configuration import Configuration
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT

EFFECTS = {"transpose": 1.0, "resize": 1.06, "bilinear": 1.1, "subpixel": 0.97, "max_unpool": 0.8, "strided": 1.05}
"""Factor on the error that an option has; the truth behind a made-up sweep."""
EPOCHS, STEPS = 3, 40
"""Of each run; a row of `metrics.csv` every ten steps."""
IMAGES = np.load(CONF.parent / "src/hourglass/data/assets/mnist5k.npz")["images"][:5000:50]
"""(100, 28, 28) uint8"""


def make(
    folder: Path, *axes: Sequence[str], seeds: Iterable[int] = range(3), fixed: Sequence[str] = (), noise: float = 0.02
) -> Path:
    """A completed sweep over the product of `axes`, each a list of overrides of one key, and `seeds`; its folder.

    Seeds have an effect of their own that all configurations share; `noise` is the rest of their spread, both as
    fractions of the error.
    """
    jobs: dict[str, Any] = {}
    for combination in itertools.product(*axes):
        for seed in seeds:
            overrides = [*fixed, *combination]
            name = make_run(folder, overrides, seed, noise)
            jobs[name] = {"overrides": [*combination, f"seed={seed}"]}
    swept = [axis[0].split("=")[0] + "=" + ",".join(one.split("=", 1)[1] for one in axis) for axis in axes]
    swept.append(f"seed={','.join(map(str, seeds))}")
    invocation = {
        "command": " ".join(["python train.py -m", *fixed, *swept, f"sweep={folder.name}"]),
        "overrides": [*fixed, *swept],
        "time": "2026-03-01T12:00:00",
        "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        "versions": VERSIONS,
    }
    content = {"format": FORMAT, "name": folder.name, "invocations": [invocation], "jobs": jobs}
    write_json(folder / "sweep.json", content)
    return folder


VERSIONS = {"python": "3.11.7", "hourglass": "0.1.0", "torch": "2.14.1", "lightning": "2.6.6"}


def make_run(parent: Path, overrides: Sequence[str], seed: int, noise: float = 0.02, name: str | None = None) -> str:
    """One completed run in a folder named by its id, or `name`; returns its id."""
    config, choices, channels = composed(*overrides)
    written = config.replace("\nseed: 0\n", f"\nseed: {seed}\n")
    identity = Configuration(yaml.safe_load(written)).id
    folder = parent / (name or identity)
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    (folder / ".hydra" / "config.yaml").write_text(written)
    mse = error_of(tuple(overrides), choices, seed, noise)
    random = np.random.default_rng([seed, int(identity, 16)])
    steps = np.arange(9, EPOCHS * STEPS, 10)
    write_csv(folder / "metrics.csv", history(steps, mse, random))
    write_csv(folder / "times.csv", {"step": list(steps), "seconds": list(np.round(0.05 * (steps + 1), 3))})
    write_csv(folder / "spectra.csv", spectra(mse))
    drawn_by_seed = choices["data"] == "synthetic"
    pictures = examples(mse, random, np.roll(IMAGES, seed, 0) if drawn_by_seed else IMAGES)
    np.savez_compressed(folder / "examples.npz", **pictures)  # type: ignore[arg-type]
    metrics = metrics_of(mse, random)
    width = {"resize": 9, "transpose": 9, "subpixel": 36}.get(choices["decoder"], 9)
    baselines = {"mean_image": 0.0687, "pca": 0.0, "pool_nearest": 0.0420}
    write_json(folder / "summary.json", {
        "format": FORMAT, "status": "completed", "error": None, "id": identity, "sweep": parent.name,
        "choices": choices, "overrides": [*overrides, f"seed={seed}"], "seed": seed, "channels": channels,
        "metrics": metrics,
        "cost": {
            "num_params": 1063 * width, "macs_per_image": 141_120 * width, "image_size": 784, "code_size": 1568,
            "index_bits": (index := 9408 if choices["decoder"] == "max_unpool" else 0),
            "code_bits": 32 * 1568 + index, "bits_per_pixel": 64 + index / 784,
            "train_seconds": round(6 + random.random(), 3), "images_per_second": round(5000 / width * 9, 1),
            "peak_memory_bytes": 1_131_876_352,
        },
        "baselines": baselines,
        "ratios": {name: mse / baseline for name, baseline in baselines.items() if baseline},
        "health": {}, "versions": VERSIONS, "hardware": {"device": "CPU (x86_64, 1 threads)", "devices": 1},
        "data": {
            "fingerprint": f"5eed{seed:04}" if drawn_by_seed else "c0ffee00", "train": 4000, "val": 500, "test": 500,
        },
    })  # fmt: skip
    return identity


def error_of(overrides: Sequence[str], choices: dict[str, str], seed: int, noise: float) -> float:
    """The test MSE: the effects of the options and of the values, of the seed, and noise."""
    effect = np.prod([EFFECTS.get(option, 1.0) for option in choices.values()])
    for value in (one.split("=", 1)[1] for one in overrides if "." in one.split("=")[0] or "[" in one):
        effect *= 1 + int.from_bytes(value.encode(), "big") % 97 / 1000
    of_seed = np.random.default_rng(seed).normal()
    rest = np.random.default_rng([seed, *"".join(overrides).encode()]).normal()
    return float(0.0036 * effect * (1 + 0.05 * of_seed + noise * rest))


def history(steps: np.ndarray, mse: float, random: np.random.Generator) -> dict[str, list[Any]]:
    """`metrics.csv`, with the validation at the end of each epoch, the test at the very end, and empty cells."""
    loss = mse * (1 + 20 * np.exp(-steps / 25)) * np.exp(0.05 * random.normal(size=len(steps)))
    validated = (steps + 1) % STEPS == 0
    val = np.where(validated, loss * 1.05, np.nan)
    last = np.arange(len(steps)) == len(steps) - 1
    return {
        "step": list(steps), "epoch": list(steps // STEPS), "lr-Adam": list(0.002 * (1 - steps / steps[-1] / 2)),
        "test/mse": list(np.where(last, mse, np.nan)), "train/loss": list(loss), "val/loss": list(val),
        "val/mse": list(val), "val/psnr": list(-10 * np.log10(val)),
    }  # fmt: skip


def metrics_of(mse: float, random: np.random.Generator) -> dict[str, float | None]:
    def near(value: float) -> float:
        return value * float(np.exp(0.1 * random.normal()))

    values: dict[str, float | None] = {
        "train/loss": near(mse), "val/loss": near(mse), "val/mse": near(mse), "val/psnr": -10 * np.log10(mse) + 0.05,
        "test/loss": mse, "test/mse": mse, "test/psnr": -10 * float(np.log10(mse)), "test/ssim": 1 - 7 * mse,
        "test/psnr_per_image": -10 * float(np.log10(mse)) + 0.6, "init/shift_consistency_4": None,
    }  # fmt: skip
    for stride, bias in {2: 1.5e-4, 4: 4e-3}.items():
        values |= {
            f"real/phase_bias_{stride}": bias, f"test/phase_bias_{stride}": near(bias),
            f"init/phase_bias_{stride}": near(0.4), f"real/harmonic_peak_{stride}": -2.2,
            f"test/harmonic_peak_{stride}": -2.2 - random.normal(),
            f"init/harmonic_peak_{stride}": 20 + random.normal(),
            f"test/flat_field_ripple_{stride // 2}": near(0.3), f"test/phase_error_imbalance_{stride}": near(0.05),
            f"test/shift_consistency_{stride}": near(22), f"real/phase_imbalance_{stride}": 0.02,
            f"test/phase_imbalance_{stride}": near(0.03), f"init/phase_imbalance_{stride}": near(0.5),
        }  # fmt: skip
    return values


def spectra(mse: float) -> dict[str, list[float]]:
    """Power falling with the frequency, and an error that is white with a bump at the corner (½, ½)."""
    frequency = np.linspace(0, np.sqrt(0.5), 14)
    target = 100 / (1 + (frequency / 0.05) ** 2.5)
    error = 784 * mse * (0.5 + (frequency == frequency[-1]))
    columns = {
        "frequency": frequency,
        "input": target,
        "target": target,
        "output": target * 0.9 + error / 2,
        "error": error,
    }
    return {name: list(np.round(values, 8)) for name, values in columns.items()}


def examples(mse: float, random: np.random.Generator, images: np.ndarray, each: int = 4) -> dict[str, np.ndarray]:
    """The images themselves, and noise on them whose power is each image's error."""
    errors = mse * random.lognormal(0, 0.5, len(images))
    errors *= mse / errors.mean()
    order, middle = np.argsort(-errors), (len(errors) - each) // 2
    index = np.concatenate([np.arange(8), order[:each], order[middle : middle + each], order[-each:]])
    target = images[index][:, None]
    shape = target.shape
    deviation = 255 * np.sqrt(errors[index])[:, None, None, None] * random.normal(size=shape)
    output = np.clip(np.round(target + deviation), 0, 255).astype(np.uint8)
    return {
        "mse": errors.astype(np.float32), "index": index.astype(np.int64), "each": np.int64(each),
        "input": target, "target": target, "output": output,
    }  # fmt: skip


@cache
def composed(*overrides: str) -> tuple[str, dict[str, str], list[int]]:
    """(`config.yaml`, choices, channels) of seed 0"""
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [*overrides, "logger=none"], return_hydra_config=True)
    choices = config.hydra.runtime.choices
    plain = OmegaConf.create({key: config._get_node(key) for key in config if key != "hydra"})
    chosen = {group: choices[group] for group in GROUPS if choices.get(group)}
    return "\n" + OmegaConf.to_yaml(plain), chosen, list(config.channels)


def write_csv(path: Path, columns: dict[str, list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(["" if isinstance(value, float) and np.isnan(value) else value for value in row])


def evaluate(
    folder: Path, kind: str, level: float | None, gain: float = 3.0, overrides: Sequence[str] = (), **values: Any
) -> None:
    """Beside a run what `evaluate.py` would leave: the run's own images, with `values` of the corruption."""
    summary = json.loads((folder / "summary.json").read_text())
    corruption = {"kind": kind, "level": level, **values}
    identity = hashlib.sha256(f"{corruption} {overrides}".encode()).hexdigest()[:8]
    psnr = summary["metrics"]["test/psnr"] - (level or 0) * 10
    metrics = {"test/psnr": psnr, "test/mse": 10 ** (-psnr / 10), "test/ssim": 0.9 - (level or 0) / 20}
    metrics |= {} if kind == "none" else {"test/psnr_input": psnr - gain, "test/psnr_gain": gain}
    (folder / "evaluations").mkdir(exist_ok=True)
    write_json(folder / "evaluations" / f"{identity}.json", {
        "id": identity, "run": summary["id"], "corruption": corruption, "data": summary["choices"]["data"],
        "data_fingerprint": "7e57", "metrics": metrics, "seed": summary["seed"], "overrides": list(overrides),
    })  # fmt: skip


def jobs(folder: Path) -> list[Path]:
    """The runs of a sweep, in its order."""
    return [folder / name for name in json.loads((folder / "sweep.json").read_text())["jobs"]]


def change(folder: Path, **values: object) -> None:
    """Other values of the keys of a `summary.json`."""
    write_json(folder / "summary.json", json.loads((folder / "summary.json").read_text()) | values)


def update_metrics(folder: Path, metrics: dict[str, float | None]) -> None:
    change(folder, metrics=json.loads((folder / "summary.json").read_text())["metrics"] | metrics)


def spoil(folder: Path, status: str, error: str | None) -> None:
    """Make a completed run one that ended otherwise, with nothing measured."""
    change(folder, status=status, error=error, metrics={}, ratios={})
