"""Runs evaluated again, on images that are small and many enough."""

import json
from pathlib import Path

from hourglass.cli import evaluate

IMAGES = ("data=synthetic", "data.image_shape=[1,12,12]", "data.source.train=600", "data.source.test=400")
SMALL = ("model=linear", *IMAGES)


def evaluated(run: Path, *arguments: str) -> list[dict]:
    """The records of a run after `python evaluate.py`, the oldest first."""
    evaluate.main([f"run={run}", "accelerator=cpu", *arguments])
    paths = sorted((run / "evaluations").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]
