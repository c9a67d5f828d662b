"""Folders of every format that was ever promised are loaded, continued, evaluated and reported by this version."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import hourglass
from helpers.project import ROOT, run_command
from hourglass.core.formats import FORMAT
from hourglass.runs.read import read_configuration, read_summary, read_sweep
from hourglass.runs.status import status_of

FORMATS = sorted((ROOT / "tests" / "fixtures").glob("format*"))
pytestmark = pytest.mark.parametrize("kept", FORMATS, ids=[folder.name for folder in FORMATS])


def test_there_are_folders_of_the_present_format_and_they_are_small(kept: Path) -> None:
    assert ROOT / "tests" / "fixtures" / f"format{FORMAT}" in FORMATS
    assert sum(path.stat().st_size for path in kept.rglob("*") if path.is_file()) < 500_000


def test_a_run_loads_with_the_result_that_it_recorded(kept: Path) -> None:
    summary = read_summary(kept / "run") or {}
    model, data = hourglass.load_run(kept / "run"), hourglass.load_data(kept / "run")
    batch = data.pick("test", range(12))
    with torch.no_grad():
        mse = (model(batch.input) - batch.target).square().mean().item()
    assert mse == pytest.approx(summary["metrics"]["test/mse"], rel=1e-5)
    assert data.fingerprint() == summary["data"]["fingerprint"]


def test_every_run_keeps_its_id(kept: Path) -> None:
    """An id is a hash of public names: moving a file or renaming a module changes none."""
    runs = [path.parents[1] for path in kept.rglob(".hydra/config.yaml")]
    assert len(runs) == 6
    for run in runs:
        assert read_configuration(run).id == (read_summary(run) or {})["id"]


@pytest.mark.slow
def test_a_killed_run_is_continued_to_its_end(kept: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(kept / "killed", tmp_path / "killed")
    assert status_of(folder) == "interrupted"
    done = run_command("train.py", f"resume={folder}")
    assert done.returncode == 0, done.stderr
    assert f"going on from {folder / 'checkpoints' / 'last.ckpt'}" in done.stdout
    assert status_of(folder) == "completed"


@pytest.mark.slow
def test_a_sweep_is_known_and_reported_and_a_run_evaluated(kept: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(kept / "sweep", tmp_path / "sweep")
    jobs = read_sweep(folder)["jobs"]
    assert [status_of(folder / job) for job in jobs] == ["completed"] * 4
    done = run_command("report.py", str(folder))
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").stat().st_size > 1e6
    done = run_command("evaluate.py", f"run={folder}", "corruption=gaussian", "accelerator=cpu")
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in folder.glob("*/evaluations/*.json")]
    assert len(records) == 4
    assert all(record["metrics"]["test/mse"] > 0 for record in records)
