"""Where a result comes from: the versions and the commit that made it."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from hourglass.core.text import IN_CHECKOUT

PACKAGES = ("hourglass", "torch", "torchvision", "lightning", "torchmetrics", "hydra-core", "wandb")


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}


def git() -> dict[str, str | bool] | None:
    """Commit of this checkout and whether it has changes beside it; None where there is no checkout or no git."""
    if not IN_CHECKOUT:
        return None  # an installed package may lie in somebody else's repository
    try:
        commit, changes = (_git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _git(*arguments: str) -> str:
    here = ("-C", str(Path(__file__).parent), "--no-optional-locks")  # a kill would leave the lock
    command = ["git", *here, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
