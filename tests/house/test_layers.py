"""The house: layers without circles, small files and folders, one home for what reaches into a library."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.project import ROOT

SRC = ROOT / "src"
FILES = sorted(SRC.rglob("*.py"))
LATE_IMPORTS = {
    "hourglass/cli/evaluate.py": {"hourglass.runs.evaluation.measure"},  # torch and lightning
    "hourglass/cli/codes/embed.py": {"hourglass.runs.evaluation.codes.embed"},  # torch
    "hourglass/cli/codes/probe.py": {"hourglass.runs.evaluation.codes.probe"},  # torch
    "hourglass/cli/codes/sample.py": {"hourglass.runs.evaluation.codes.sample"},  # torch
    "hourglass/cli/export.py": {"hourglass.runs.export.export"},  # torch
    "hourglass/cli/pictures/operators.py": {"torch", "hourglass.report.cards"},  # torch and matplotlib
    "hourglass/cli/pictures/reconstruct.py": {"hourglass.runs.evaluation.reconstruct"},  # torch
    "hourglass/cli/pictures/show.py": {"hourglass.report.show.make"},  # torch and matplotlib
    "hourglass/cli/report.py": {  # pandas and plotly; for W&B torch
        "hourglass.report.make", "hourglass.config.parts", "hourglass.report.publish", "hourglass.training.loggers",
    },
    "hourglass/cli/sweep.py": {"hourglass.sweeps.jobs"},  # torch and lightning
    "hourglass/cli/train.py": {"hourglass.runs"},  # torch and lightning
    "hourglass/sweeps/jobs.py": {"hourglass.sweeps.search.pruning"},  # the extra `optuna`
    "hourglass/sweeps/tuning/values.py": {"torch"},
    "hydra_plugins/hourglass_launchers/__init__.py": {"hourglass.sweeps.jobs"},  # torch and lightning
    "hydra_plugins/hourglass_search/__init__.py": {  # loaded by every Hydra application of the environment
        "hourglass.sweeps.search", "hourglass.sweeps.search.wandb",
    },
}  # fmt: skip
"""Imports of our own modules, and of torch, inside functions: each is there for speed or for an extra."""


def late_imports(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom):
                yield node.module or "."
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` on the sources below `folder/src`."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", "pyproject.toml"]
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_every_import_goes_down() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("core/text.py", "import hourglass.config.identity", "never up"),
        ("nn/layers.py", "import hourglass.training.losses", "never up"),
        ("metrics/cost.py", "import hourglass.data.noise", "never up"),
        ("core/errors.py", "import hourglass.core.files", "No circle"),
        ("core/processes/worker.py", "import torch", "knows nothing of the task"),
    ],
)
def test_an_import_that_does_not_is_found(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copytree(SRC, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "assets", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "src" / "hourglass" / module
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}  # noqa\n", encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert re.search(rf"{contract}.*BROKEN", " ".join(done.stdout.split())), done.stdout


def test_imports_inside_functions_are_there_for_speed_or_for_an_extra() -> None:
    late = {}
    for path in FILES:
        ours = {name for name in late_imports(path) if name == "torch" or name.startswith("hourglass")}
        if ours:
            late[path.relative_to(SRC).as_posix()] = ours
    assert late == LATE_IMPORTS


def test_no_file_is_long_and_no_folder_crowded() -> None:
    others = [path for folder in ("tests", "tools", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
    long = {str(path): n for path in [*FILES, *others] if (n := len(path.read_text().splitlines())) > 250}
    assert long == {}
    for folder in {path.parent for path in FILES}:
        entries = [entry for entry in folder.iterdir() if entry.name not in ("__init__.py", "__pycache__", "py.typed")]
        assert len(entries) <= 12, f"{folder}: {sorted(entry.name for entry in entries)}"


def test_only_the_configuration_and_hydra_s_side_see_hydra_s_types() -> None:
    allowed = ("hourglass/config/", "hourglass/cli/", "hourglass/core/compat/hydra.py", "hydra_plugins/")
    for path in FILES:
        if not path.relative_to(SRC).as_posix().startswith(allowed):
            assert "DictConfig" not in path.read_text(encoding="utf-8"), path


def test_no_part_takes_whatever_it_is_given() -> None:
    """`**kwargs` on what Hydra builds would swallow a typo; launchers pass on the options of other packages."""
    for path in FILES:
        if "hydra_plugins" not in path.parts and "compat" not in path.parts:
            assert not re.search(r"def __init__\([^)]*\*\*\w+", path.read_text(encoding="utf-8")), path
