"""`summary.json`: the result of a run for everything that reads it later."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hourglass.core import provenance
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT
from hourglass.core.measures import Measure
from hourglass.runs.baselines.names import ratios


@dataclass
class Summary:
    """Keys are added, never renamed, within one format. `status`: see `hourglass.runs.status`."""

    folder: Path
    id: str
    choices: dict[str, str]
    seed: int
    sweep: str | None = None
    overrides: list[str] = field(default_factory=list)
    status: str = "running"
    error: str | None = None
    channels: list[int] | None = None
    """Widths of the network as built: `match=` scales the configured ones"""
    decoder_channels: list[int] | None = None
    """Widths between the decoder's stages; None: those of `channels`"""
    metrics: dict[str, float] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    """What the numbers in `metrics` are, as far as the parts that log them say, by the last part of their name"""
    effects: list[str] = field(default_factory=list)
    """Callbacks of other packages that say `changes_training`, by their names in the configuration"""
    cost: dict[str, float] = field(default_factory=dict)
    baselines: dict[str, float] = field(default_factory=dict)
    """Test MSE of the references (`bce_entropy`: nats a pixel; `ppca`: an image): see `hourglass.metrics.baselines`"""
    rate_curves: dict[str, list[list[float]]] = field(default_factory=dict)
    """[bits per pixel, test MSE] of codes without a network, the lowest rate first"""
    health: dict[str, int] = field(default_factory=dict)
    """Diagnostics by the epoch that first showed them: see `hourglass.training.callbacks.Health`"""
    found_by: list[str] = field(default_factory=list)
    """What the command line said of where options of other packages are"""
    versions: dict[str, str] = field(default_factory=provenance.versions)
    """Of Hourglass, of what it stands on, and of the packages that parts come from"""
    hardware: dict[str, str | int] = field(default_factory=dict)
    data: dict[str, str | int] = field(default_factory=dict)
    """Fingerprint of the images, and how many are in each split"""

    @property
    def ratios(self) -> dict[str, float]:
        """Result over baseline, lower is better; left out where the baseline is 0, or a likelihood."""
        m = self.metrics
        if "test/mse" not in m:
            return {}
        bce = m["test/reconstruction"] / self.cost["image_size"] if "test/reconstruction" in m else m["test/loss"]
        return ratios(self.baselines, m["test/mse"], bce)

    def describe(self, measures: Mapping[str, Measure], callbacks: Mapping[str, Any]) -> None:
        """Keep what metrics, latent, loss and callbacks say of what they log, and which callbacks act on training."""
        for callback in callbacks.values():
            self.measures |= getattr(callback, "measures", {})
        self.measures |= measures
        self.effects = [name for name, callback in callbacks.items() if getattr(callback, "changes_training", False)]

    def write(self) -> None:
        """Numbers that are not finite become null, as JSON wants."""
        values: dict[str, Any] = {"format": FORMAT} | asdict(self)
        del values["folder"]
        for measure in values["measures"].values():
            del measure["bounds"]  # ours are known, and of others nothing is checked
        content = values | {"ratios": self.ratios}
        write_json(self.folder / "summary.json", _finite(content))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
