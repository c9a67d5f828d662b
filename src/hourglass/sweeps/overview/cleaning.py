"""Runs without a result, removed: only folders that hold what a run leaves and nothing else, never through a link."""

import shutil
import sys
from pathlib import Path

from hourglass.core.errors import Busy, ConfigError
from hourglass.core.files import unwritable
from hourglass.core.text import as_typed, counted, printable
from hourglass.runs.read import summary_of
from hourglass.runs.status import lock
from hourglass.sweeps.overview.find import Found, find
from hourglass.sweeps.overview.listing import HEAD, lines_of, size_of, table
from hourglass.sweeps.overview.request import BROKEN, NEVER, Request

OURS = {
    ".hydra", ".lock", "checkpoints", "csv", "evaluations", "examples.npz", "images", "metrics.csv", "spectra.csv",
    "summary.json", "tensorboard", "times.csv", "train.log", "wandb",
}  # fmt: skip
"""What a run leaves in its folder."""


def clean(request: Request) -> None:
    """List what would be removed, ask, and remove it; without a terminal and without `yes` only list it."""
    (folder,) = request.folders
    if folder.is_symlink():
        raise ConfigError(f"{folder} is a link, and nothing is removed through one: name the folder that it leads to")
    chosen = {"status": list(BROKEN)} | request.chosen
    runs = [run for run in find(folder) if run.matches(chosen) and run.status not in NEVER]
    runs = [run for run in runs if run.sweep is None or folder in (run.sweep, run.folder)]
    removable = []
    for run in runs:
        if why := refusal(run.folder):
            print(printable(f"kept: {as_typed(run.folder)}, {why}"))
        else:
            removable.append(run)
    if not removable:
        print(printable(f"nothing to clean below {as_typed(folder)}"))
        return
    print(table(lines_of(removable), HEAD))
    total = f"{counted(len(removable), 'run')}, {size_of(sum(run.size for run in removable))}"
    if not request.yes and not sys.stdin.isatty():
        print(f"{total}: nothing was removed, since there is no terminal to ask at; yes=true removes them")
        return
    if not request.yes and input(f"remove {total}? [y/N] ").strip().lower() not in ("y", "yes"):
        print("nothing was removed")
        return
    print(f"{counted(sum(_remove(run) for run in removable), 'run')} removed")


def refusal(folder: Path) -> str:
    """Why a folder is not removed; empty where nothing speaks against it."""
    if folder.is_symlink():
        return "a link"
    if not (folder / ".hydra" / "config.yaml").is_file() or (folder / ".hydra").is_symlink():
        return "without the configuration that every run of hourglass has"
    others = sorted(path.name for path in folder.iterdir() if path.name not in OURS and not _leftover(path.name))
    return f"with {', '.join(others[:3])} in it, which no run leaves there" if others else ""


def _leftover(name: str) -> bool:
    """What was being written when a process was killed."""
    return name.startswith(".") and name.endswith(".tmp")


def _remove(run: Found) -> bool:
    try:
        with lock(run.folder):
            if summary_of(run.folder).get("status") in NEVER[:1] or refusal(run.folder):  # somebody was there meanwhile
                return False
            shutil.rmtree(run.folder)
    except Busy as error:
        print(printable(f"kept: {error}"))
        return False
    except OSError as error:
        raise unwritable(run.folder, error) from error
    return True
