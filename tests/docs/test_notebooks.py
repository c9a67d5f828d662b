"""Every notebook is committed with what it shows, and shows the same when it is run."""

import ast
import base64
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers import sweep_folders
from helpers.project import ROOT
from hourglass import report
from hourglass.core.errors import HourglassError
from hourglass.runs.read import check_identity, read_configuration, read_summary

sys.path.insert(0, str(ROOT / "tools"))
import run_notebooks
from run_notebooks import FOLDER, NAMES, code_cells, shown

KIB = 1024
A_RUN = ROOT / "tests" / "fixtures" / "format1" / "run"


@pytest.mark.parametrize("name", NAMES)
def test_is_committed_with_small_outputs_that_say_nothing_of_a_machine(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    again = f"run python tools/run_notebooks.py {name}"
    assert len(text.encode()) < 400 * KIB
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == [*range(1, len(counts) + 1)], again
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    for output in outputs:
        assert output.get("name") != "stderr", output.text
        data = output.get("data", {})
        assert len(base64.b64decode(data.get("image/png", ""))) < 60 * KIB
        texts = [output.get("text", ""), *(value for kind, value in data.items() if kind.startswith("text/"))]
        assert not re.search(r"(^|[\s'\"])(/\w+/|[A-Z]:\\)", "\n".join(texts)), texts


def test_a_word_with_a_digit_in_it_is_not_compared() -> None:
    def printing(text: str) -> nbformat.NotebookNode:
        output = nbformat.v4.new_output("stream", name="stdout", text=text)
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])

    one, other = "MSE 0.0136, in 12.5 s\n  <object at 0x7f0a>", "MSE  1e-3, in 9 s <object at 0xffff12>"
    assert shown(printing(one)) == shown(printing(other)) == [["stdout: MSE # in # s <object at #"]]
    assert shown(printing("PSNR 0.0136")) != shown(printing(one))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks") / "hourglass"
    run_notebooks.prepare(folder, NAMES)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_shows_what_is_committed(name: str, place: Path) -> None:
    notebook = run_notebooks.executed(name, place)
    committed = run_notebooks.read(name)
    for i, (now, then) in enumerate(zip(shown(notebook), shown(committed), strict=True)):
        assert now == then, f"cell {i + 1}: run python tools/run_notebooks.py {name}"
    if name == run_notebooks.OPENS_A_RUN:
        printed = "".join(o.text for cell in code_cells(notebook) for o in cell.outputs if o.get("name") == "stdout")
        recorded, recomputed = (float(re.findall(rf"{word} +(\S+)", printed)[0]) for word in ("recorded", "recomputed"))
        assert recomputed == pytest.approx(recorded, abs=1e-6, rel=0)


def foreign(folder: Path) -> None:
    """What others may have put there, each newer than what was there before."""
    for name, content in {"text": "not JSON", "list": "[]", "bare": '{"format": 1, "status": "completed"}'}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "summary.json").write_text(content)
    (folder / "later").mkdir()
    (folder / "later" / "summary.json").write_text('{"format": 99, "status": "completed"}')
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "pipe" / "summary.json")
    (folder / "begun").mkdir()
    (folder / "file").touch()


@pytest.mark.parametrize("started_in", [".", "notebooks"])
def test_finds_the_newest_completed_run_of_ours(
    started_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find_run = function_of("01_first_run", "find_run")
    (tmp_path / "train.py").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / started_in)
    with pytest.raises(FileNotFoundError, match=r"type `python train\.py`"):
        find_run(None)
    runs = tmp_path / "logs" / "runs"
    for i, (name, status) in enumerate({"1": "completed", "2": "completed", "3": "failed"}.items()):
        shutil.copytree(A_RUN, runs / name)
        summary = json.loads((A_RUN / "summary.json").read_text()) | {"status": status}
        (runs / name / "summary.json").write_text(json.dumps(summary))
        os.utime(runs / name / "summary.json", (i, i))
    shutil.copytree(runs / "2", runs / "another's")
    changed = (runs / "2" / ".hydra" / "config.yaml").read_text().replace("seed: 0", "seed: 1")
    (runs / "another's" / ".hydra" / "config.yaml").write_text(changed)
    foreign(runs)
    for asked, found in {None: "2", "logs/runs/1": "1", runs / "1": "1"}.items():
        monkeypatch.chdir(tmp_path / started_in)
        assert find_run(asked).resolve() == runs / found
        assert Path.cwd() == tmp_path
    assert capsys.readouterr().out.count("passed over: ") == 6
    monkeypatch.chdir(tmp_path / "notebooks")
    assert find_run("../logs/runs/1").resolve() == runs / "1"
    with pytest.raises(FileNotFoundError, match="no completed run in logs/runs/3"):
        find_run("logs/runs/3")


def test_finds_the_newest_sweep_with_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_sweep = function_of("03_review_a_sweep", "find_sweep")
    (tmp_path / "train.py").touch()
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(("first", "second")):
        folder = sweep_folders.make(tmp_path / "logs" / "sweeps" / name, ("decoder=resize",), seeds=[0])
        os.utime(folder / "sweep.json", (i, i))
    empty = {"format": 1, "name": "empty", "invocations": [], "jobs": {}}
    for name, content in {"torn": "not JSON", "empty": json.dumps(empty)}.items():
        (tmp_path / "logs" / "sweeps" / name).mkdir()
        (tmp_path / "logs" / "sweeps" / name / "sweep.json").write_text(content)
    foreign(tmp_path / "logs" / "sweeps")
    assert find_sweep(None).name == "second"
    assert find_sweep("logs/sweeps/first").name == "first"


def function_of(name: str, function: str) -> Callable[..., Any]:
    """A function that a notebook defines, without the rest of its cell."""
    statements = [node for cell in code_cells(run_notebooks.read(name)) for node in ast.parse(cell.source).body]
    found = [
        node
        for node in statements
        if (isinstance(node, ast.FunctionDef) and node.name == function)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NEEDED")
    ]
    namespace: dict[str, Any] = {"os": os, "Path": Path, "report": report, "HourglassError": HourglassError}
    namespace |= {"read_summary": read_summary, "read_configuration": read_configuration}
    namespace["check_identity"] = check_identity
    exec(compile(ast.Module(found, type_ignores=[]), name, "exec"), namespace)
    return namespace[function]  # type: ignore[no-any-return]
