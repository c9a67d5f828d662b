"""The id of a run: a short hash of the resolved configuration without its volatile part."""

import hashlib
import json
from typing import Any

OF_THE_SWEEP = (
    "sweep", "report", "retry", "resume", "trial", "search", "tune", "tuning", "budgets", "reported", "primary",
    "equivalent_within", "reference", "tasks", "fixed",
)  # fmt: skip
"""Keys that say something of a sweep as a whole, or for what a run is made: none of them has several values."""
VOLATILE = (
    "metrics.mse", "metrics.psnr", "metrics.psnr_per_image", "metrics.psnr_input", "metrics.psnr_gain", "metrics.ssim",
    *OF_THE_SWEEP, "hydra", "logger", "baselines", "checkpoint_every", "data.root", "data.cache", "data.font",
    "data.download", "data.num_workers", "data.device", "trainer.enable_progress_bar", "trainer.enable_model_summary",
)  # fmt: skip
"""Keys that say where and how a run is carried out, not what it computes, and the metrics that every run has: the id is
the same on any machine. A further metric makes another run, which measures it."""
LATER = {
    "augmentation": {"_target_": "hourglass.data.NoAugmentation"},
    "trainer.compile": False,
    "trainer.num_nodes": 1,
    "optimizer.relative_steps": False,
    "decoder.channels": None,
    "decoder.positions": "kept",
    "loss.where": "all",
}
"""Keys that configurations have not always had -> the value that says what was so without them."""


def within(key: str, parent: str) -> bool:
    """Is it this key or group, or below it?"""
    return key == parent or key.startswith((f"{parent}.", f"{parent}/"))


def is_volatile(key: str) -> bool:
    """Does a key say nothing of what a run computes?"""
    return any(within(key, one) for one in VOLATILE)


def without_volatile(plain: dict[str, Any]) -> dict[str, Any]:
    """Without the keys of `VOLATILE`, and those of `LATER` where they change nothing; what is deeper is shared."""
    kept = {group: dict(of) if isinstance(of, dict) else of for group, of in plain.items()}
    for key in (*VOLATILE, *LATER):
        group, _, option = key.partition(".")
        of, name = (kept.get(group), option) if option else (kept, group)
        if isinstance(of, dict) and name in of and (key not in LATER or of[name] == LATER[key]):
            del of[name]
    if not kept.get("metrics", True):
        del kept["metrics"]
    return kept


def run_id(plain: dict[str, Any]) -> str:
    """8 hexadecimal digits of the SHA-256 of a resolved configuration, in which 0 and 0.0 are one number."""
    text = json.dumps(_whole_as_int(without_volatile(plain)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _whole_as_int(value: Any) -> Any:
    """The value with every whole float as an integer: the command line does not tell them apart."""
    if isinstance(value, dict):
        return {key: _whole_as_int(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole_as_int(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
