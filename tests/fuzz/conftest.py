"""A folder of one's own for each test, with a trap beside it that nothing may import, and a secret nothing may tell."""

import shutil
from pathlib import Path

import pytest

import hourglass
from helpers.fuzzing import FIXTURES, SECRET
from hourglass.config.compose import composed, register_resolvers
from hourglass.config.configuration import Configuration
from hourglass.runs.evaluation.request import parse_request


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "canary.py").write_text("raise SystemExit('code of a stranger was run')\n")
    monkeypatch.syspath_prepend(tmp_path / "path")
    monkeypatch.setenv("CANARY", SECRET)
    monkeypatch.chdir(tmp_path / "path")
    return tmp_path


@pytest.fixture
def run(trap: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "run", trap / "run"))


@pytest.fixture
def sweep(trap: Path) -> Path:
    """Two runs."""
    folder = Path(shutil.copytree(FIXTURES / "sweep", trap / "sweep"))
    for job in ("89cd2a2d", "bf6b8abd"):
        shutil.rmtree(folder / job)
    return folder


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """What is imported and cached once is not counted."""
    register_resolvers()
    hourglass.load_run(FIXTURES / "run")
    assert Configuration.of(composed("train", ["seed=0"])).id
    assert parse_request(["run=x", "corruption.std=1"])
