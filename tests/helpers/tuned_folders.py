"""Made-up sweep folders whose errors are known, as those of a tuned sweep or of budgets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from helpers import sweep_folders
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT


def run(folder: Path, overrides: list[str], seed: int, mse: float) -> dict[str, Any]:
    mse *= 1 + 0.01 * (seed % 3)
    job = sweep_folders.make_run(folder, overrides, seed)
    sweep_folders.update_metrics(
        folder / job, {"test/mse": mse, "val/mse": 1.1 * mse, "test/psnr": -10 * float(np.log10(mse))}
    )
    return {job: {"overrides": [*overrides, f"seed={seed}"]}}


def write(folder: Path, jobs: Mapping[str, Any], **more: Any) -> Path:
    invocation = {
        "command": "python train.py -m",
        "overrides": [],
        "time": "2026-03-01T12:00:00",
        "git": None,
        "jobs": list(jobs),
        **more,
    }
    write_json(folder / "sweep.json", {"format": FORMAT, "name": "tuned", "invocations": [invocation], "jobs": jobs})
    return folder
