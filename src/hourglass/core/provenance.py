"""Where a result comes from: the versions and the commit that made it. No torch in here."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("hourglass", "torch", "torchvision", "lightning", "torchmetrics", "hydra-core", "wandb")


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}


def git() -> dict[str, str | bool] | None:
    """Commit of this checkout and whether it has changes beside it; None where there is no repository or no git."""
    try:
        commit, changes = (_git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _git(*arguments: str) -> str:
    command = [
        "git",
        "--no-optional-locks",
        "-C",
        str(Path(__file__).parent),
        *arguments,
    ]  # a kill would leave the lock
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
