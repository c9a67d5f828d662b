"""Every notebook runs from top to bottom, and is committed without outputs."""

import ast
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from helpers import sweep_folders
from helpers.project import ROOT, run_train

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
ASKS_FOR_A_RUN, ASKS_FOR_A_SWEEP = "RUN = None", "SWEEP = None"


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / name, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def execute(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """All outputs; raises where a cell does."""
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": FOLDER}}).execute()
    return [output for cell in code_cells(notebook) for output in cell.outputs]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks") / "run"
    short = ("trainer.max_epochs=1", "trainer.limit_train_batches=4", "trainer.log_every_n_steps=1", "logger=none")
    done = run_train(folder, *short, "trainer.accelerator=cpu", "decoder=resize", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def sweep_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps") / "decoders"
    sweep_folders.make(folder, ("decoder=transpose", "decoder=resize"), seeds=range(2))
    return folder


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_is_committed_without_outputs(name: str) -> None:
    for cell in code_cells(read(name)):
        assert not cell.outputs, f"clear the outputs of {name}"
        assert cell.execution_count is None, f"clear the outputs of {name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_runs(name: str, run_folder: Path, sweep_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = read(name)
    for cell in code_cells(notebook):
        cell.source = cell.source.replace(ASKS_FOR_A_RUN, f"RUN = {str(run_folder)!r}")
        cell.source = cell.source.replace(ASKS_FOR_A_SWEEP, f"SWEEP = {str(sweep_folder)!r}")
    outputs = execute(notebook)
    if name in CHECKS:
        CHECKS[name](outputs, run_folder, sweep_folder)


def first_run(outputs: list[nbformat.NotebookNode], run_folder: Path, sweep_folder: Path) -> None:
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert str(run_folder) in printed
    recorded, recomputed = (float(re.findall(rf"{word} +(\S+)", printed)[0]) for word in ("recorded", "recomputed"))
    assert recomputed == pytest.approx(recorded, abs=1e-6, rel=0)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    # baselines, curves, epochs 0 and 1, three of the code, the map, 3 ways between two digits, best, middle, worst
    assert len(pictures) == 14


def review(outputs: list[nbformat.NotebookNode], run_folder: Path, sweep_folder: Path) -> None:
    assert str(sweep_folder) in "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5


CHECKS = {"01_first_run.ipynb": first_run, "03_review_a_sweep.ipynb": review}
"""What a notebook must have shown, beyond running."""


@pytest.mark.parametrize("started_in", [".", "notebooks"])
def test_finds_the_newest_completed_run(started_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_run = function_of("01_first_run.ipynb", "find_run")
    (tmp_path / "train.py").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / started_in)
    with pytest.raises(FileNotFoundError, match=r"type `python train\.py`"):
        find_run(None)
    for name, status in {"1": "completed", "2": "completed", "3": "failed"}.items():
        (tmp_path / "logs" / "runs" / name).mkdir(parents=True)
        (tmp_path / "logs" / "runs" / name / "summary.json").write_text(json.dumps({"status": status}))
    (tmp_path / "logs" / "runs" / "4").mkdir()  # just begun
    for asked, found in {None: "2", "logs/runs/1": "1", tmp_path / "logs" / "runs" / "1": "1"}.items():
        monkeypatch.chdir(tmp_path / started_in)
        assert find_run(asked).resolve() == tmp_path / "logs" / "runs" / found
        assert Path.cwd() == tmp_path
    monkeypatch.chdir(tmp_path / "notebooks")
    assert find_run("../logs/runs/1").resolve() == tmp_path / "logs" / "runs" / "1"
    with pytest.raises(FileNotFoundError, match="no completed run in logs/runs/3"):
        find_run("logs/runs/3")


def function_of(name: str, function: str) -> Callable[..., Path]:
    """A function that a notebook defines, without the rest of its cell."""
    statements = [node for cell in code_cells(read(name)) for node in ast.parse(cell.source).body]
    found = [node for node in statements if isinstance(node, ast.FunctionDef) and node.name == function]
    namespace: dict[str, Any] = {"json": json, "os": os, "Path": Path}
    exec(compile(ast.Module(found, type_ignores=[]), name, "exec"), namespace)
    return namespace[function]
