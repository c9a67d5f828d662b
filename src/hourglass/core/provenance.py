"""Where a result comes from: the versions and the commit that made it."""

import importlib.util
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from hourglass.core.text import IN_CHECKOUT

PACKAGES = ("hourglass", "torch", "torchvision", "lightning", "torchmetrics", "hydra-core", "wandb")


def versions(others: Iterable[str] = ()) -> dict[str, str]:
    """Of Python, of what we stand on, and of the `others`, packages that parts of a run come from."""
    ours = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
    return ours | {package: version_of(package) for package in others if package not in ours}


def version_of(package: str) -> str:
    """`0.1.0`; with its commit where it lies in a checkout: `0.1.0, commit 0123abc, changed`. Nothing is imported."""
    distributions = packages_distributions().get(package, [package])
    try:
        parts = [version(distributions[0])]
    except (PackageNotFoundError, ValueError):
        parts = ["no version"]
    try:
        spec = importlib.util.find_spec(package)
    except (ValueError, ImportError):  # no name of a package at all
        spec = None
    if spec is not None and spec.origin is not None:
        parts += _commit_of(Path(spec.origin))
    return ", ".join(parts)


def _commit_of(file: Path) -> list[str]:
    """Nothing where no repository has this file: an installed package may lie in somebody else's."""
    try:
        _git("ls-files", "--error-unmatch", file.name, folder=file.parent)
        commit = _git("rev-parse", "--short", "HEAD", folder=file.parent)
        changes = _git("status", "--porcelain", "--untracked-files=no", ".", folder=file.parent)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [f"commit {commit}", *(["changed"] if changes else [])]


def git() -> dict[str, str | bool] | None:
    """Commit of this checkout and whether it has changes beside it; None where there is no checkout or no git."""
    if not IN_CHECKOUT:
        return None  # an installed package may lie in somebody else's repository
    try:
        commit, changes = (_git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


def changed_since(commit: str) -> list[str] | None:
    """Files in src and conf of this checkout that differ from what they were at a commit, but for lines that begin with
    `fixed:`, by which an experiment names that commit; None where there is no checkout, no git or no such commit."""
    if not IN_CHECKOUT:
        return None
    try:
        where = ("--", ":/src", ":/conf")
        changed = _git("diff", "--numstat", "--no-renames", "-I", "^fixed:", commit, *where).splitlines()
        new = _git("ls-files", "--others", "--exclude-standard", "--full-name", *where).splitlines()
    except (OSError, subprocess.CalledProcessError):
        return None
    return [*(line.split("\t")[-1] for line in changed), *new]


def lacks(commit: str) -> bool:
    """Does this checkout have no such commit, though it has the whole history? False where that cannot be told."""
    try:
        return IN_CHECKOUT and _git("rev-parse", "--is-shallow-repository") == "false" and not _has(commit)
    except (OSError, subprocess.CalledProcessError):
        return False


def _has(commit: str) -> bool:
    try:
        return bool(_git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"))
    except subprocess.CalledProcessError:
        return False


def file_at(commit: str, path: str) -> str | None:
    """The text of a file of this checkout at a commit; None where there is no checkout, git, commit or file."""
    try:
        return _git("cat-file", "blob", f"{commit}:{path}") if IN_CHECKOUT else None
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str, folder: Path = Path(__file__).parent) -> str:
    here = ("-C", str(folder), "--no-optional-locks")  # a kill would leave the lock
    command = ["git", *here, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
