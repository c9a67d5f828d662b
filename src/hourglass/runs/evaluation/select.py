"""The runs of a folder that can be evaluated, and why the others cannot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hourglass.core.errors import DataError
from hourglass.core.files import within
from hourglass.core.text import counted, printable
from hourglass.runs.read import is_tuning, read_summary, read_sweep
from hourglass.runs.status import status_of

NEEDED = ("id", "choices")
"""Keys of the `summary.json` of a completed run."""


def refuse_changed_images(run: Path, summary: Mapping[str, Any], fingerprint: str, cure: str) -> None:
    """Raise DataError where the test images of a run are not those of then, by their `fingerprint` of now."""
    recorded = summary.get("data", {}).get("test_fingerprint", fingerprint)
    if recorded != fingerprint:
        raise DataError(f"{run} was tested on other images (fingerprint {recorded}, now {fingerprint}): {cure}")


def runs_of(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """The completed runs of a run folder or of a folder of runs, and why the others are left out, by name.

    Of a sweep without those that only served to tune: no report has them.
    """
    if (folder / "summary.json").exists() or (folder / ".hydra").exists():
        candidates = {folder}
    else:
        inside = {path.parent for pattern in ("*/summary.json", "*/.hydra") for path in folder.glob(pattern)}
        candidates = inside | {folder / job for job in read_sweep(folder)["jobs"]}
    if not candidates:
        raise DataError(f"{folder} is no run folder and holds none: a run has a summary.json, logs/runs has yours")
    runs, left_out, tuning = [], {}, 0
    for run in sorted(candidates):
        try:
            within(run, folder)
            status = status_of(run)
            summary = read_summary(run, NEEDED if status == "completed" else ()) or {}
            error = summary.get("error")
        except DataError as torn:
            status, error = "torn", str(torn)
        if run != folder and status == "completed" and is_tuning(summary.get("overrides", [])):
            tuning += 1
        elif status == "completed":
            runs.append(run)
        else:
            left_out[printable(run.name)] = f"{status}: {error}" if error else status
    if tuning:
        left_out[counted(tuning, "run")] = "which only served to tune"
    if not runs:
        reasons = "; ".join(f"{name}, {why}" for name, why in left_out.items())
        raise DataError(
            f"{folder} has no completed run to evaluate ({reasons}): the command that began it continues it"
        )
    return runs, left_out
