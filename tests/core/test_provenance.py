"""Where the parts of a run come from, as far as that can be told without importing anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from hourglass.core import provenance
from hourglass.core.provenance import version_of


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.mark.slow
def test_a_package_in_a_checkout_has_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "labparts"
    package.mkdir()
    (package / "__init__.py").write_text("raise ValueError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    git(tmp_path, "init", "-q")
    assert version_of("labparts") == "no version"  # in a repository that does not know it
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "parts")
    version, commit = version_of("labparts").split(", ")
    assert version == "no version"
    assert commit.startswith("commit ")
    (package / "__init__.py").write_text("changed = True\n")
    assert version_of("labparts") == f"no version, {commit}, changed"
    assert "labparts" not in sys.modules


@pytest.mark.slow
def test_an_installed_package_has_its_version_and_nonsense_has_none() -> None:
    assert version_of("yaml") == provenance.version("PyYAML")
    assert {version_of(name) for name in ("", ".a", "no_such_package", "a b")} == {"no version"}
    assert provenance.versions(["torch", "no_such_package"])["no_such_package"] == "no version"
