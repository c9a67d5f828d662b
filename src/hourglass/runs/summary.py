"""`summary.json`, the result of a run for everything that reads it later, and the table for the one who waits."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hourglass.core import provenance
from hourglass.runs import status as states


@dataclass
class Summary:
    """Keys are added, never renamed. `status`: see `hourglass.runs.status`."""

    folder: Path
    id: str
    choices: dict[str, str]
    seed: int
    sweep: str | None = None
    overrides: list[str] = field(default_factory=list)
    status: str = "running"
    error: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)
    """Test MSE of the references (nats a pixel for `bce_entropy`): see `hourglass.metrics.baselines`."""
    channels: list[int] | None = None
    """Widths of the network as built: `match=` scales the configured ones."""
    hardware: dict[str, str | int] = field(default_factory=dict)
    data: dict[str, str | int] = field(default_factory=dict)
    """Fingerprint of the images, and how many are in each split."""
    health: dict[str, int] = field(default_factory=dict)
    """Diseases by the epoch that first showed them: see `hourglass.training.callbacks.health`."""

    @property
    def ratios(self) -> dict[str, float]:
        """Result over floor, lower is better; left out where the floor is 0."""
        m = self.metrics
        if "test/mse" not in m:
            return {}
        bce = m["test/reconstruction"] / self.cost["image_numbers"] if "test/reconstruction" in m else m["test/loss"]
        return {
            name: (bce if name == "bce_entropy" else m["test/mse"]) / floor
            for name, floor in self.floors.items()
            if floor > 1e-9
        }

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        del values["folder"]
        order = (
            "status",
            "error",
            "id",
            "sweep",
            "choices",
            "overrides",
            "seed",
            "channels",
            "metrics",
            "cost",
            "floors",
        )
        return {key: values[key] for key in order} | {
            "ratios": self.ratios,
            "health": self.health,
            "hardware": self.hardware,
            "data": self.data,
            "versions": provenance.versions(),
        }

    def write(self) -> None:
        """Numbers that are not finite become null, as JSON wants."""
        states.write_summary(self.folder, _finite(self.as_json()))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


FLOOR_NAMES = {
    "mean_image": "the mean image",
    "pca": "PCA of {code_numbers:,} numbers",
    "patch_pca": "PCA of patches",
    "pool_nearest": "average pooling + nearest",
    "pool_bicubic": "average pooling + bicubic",
    "noisy_input": "the noisy input",
    "wiener": "the linear Wiener filter",
    "wiener_code": "Wiener of {code_numbers:,} numbers",
    "affine": "the best affine denoiser",
    "bce_entropy": "entropy of the targets (BCE)",
}


def table(result: Summary, overrides: list[str]) -> str:
    """What was reached and what to hold it against, where the pictures are, and what to type next."""
    m, c = result.metrics, result.cost
    lines = ["", f"  test      MSE {m['test/mse']:.5f}   PSNR {m['test/psnr']:.2f} dB   SSIM {m['test/ssim']:.4f}"]
    if "test/psnr_gain" in m:
        lines.append(
            f"  denoised  {m['test/psnr_input']:.2f} dB in, {m['test/psnr']:.2f} dB out: {m['test/psnr_gain']:+.2f} dB"
        )
    if "test/kl" in m:
        lines.append(f"  nats      reconstruction {m['test/reconstruction']:.2f} + KL {m['test/kl']:.2f} an image")
    for i, (name, floor) in enumerate(result.floors.items()):
        label = FLOOR_NAMES[name].format(**c)
        ratio = f"{result.ratios[name]:.3f} of it" if name in result.ratios else ""
        lines.append(f"  {'against' if i == 0 else '':<9} {label:<29} {floor:.5f}   {ratio}".rstrip())
    if "test/phase_bias_2" in m:
        values = [m[f"{stage}/phase_bias_2"] for stage in ("test", "init", "real")]
        lines.append("  grid      phase bias at stride 2: {:.4f}, untrained {:.4f}, real images {:.4f}".format(*values))
    index = f" + {c['index_bits']:,} bits of positions" if c["index_bits"] else ""
    lines += [
        f"  code      {c['code_numbers']:,} numbers{index} for {c['image_numbers']:,} in the image",
        f"  cost      {c['num_params']:,} parameters   {c['macs_per_image'] / 1e6:.2f} M multiply-adds an image   "
        f"{c['images_per_second']:,.0f} images/s",
        *(f"  health    {disease}, since epoch {epoch}" for disease, epoch in result.health.items()),
        f"  pictures  {shown(result.folder / 'images')}",
        f"  next      {suggestion(result.choices, overrides)}",
        "",
    ]
    return "\n".join(lines)


def shown(path: Path) -> Path:
    """The path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def suggestion(choices: dict[str, str], overrides: list[str]) -> str:
    """The command that compares this run with its nearest neighbour."""
    kept = " ".join(override for override in overrides if not override.startswith(("decoder", "hydra")))
    other = "transpose" if choices["decoder"] == "resize" else "resize"
    if choices["decoder"] == "linear":
        return "python train.py model=conv"
    return f"python train.py -m decoder={choices['decoder']},{other} {kept}".strip()
