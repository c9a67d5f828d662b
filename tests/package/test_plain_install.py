"""`pip install hourglass` without an extra: every command works, or says in a sentence which extra it takes."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PIL import Image

from helpers.project import ROOT, TINY
from helpers.requirements import needed

ONE_AFTER_THE_OTHER = """
import os, sys

from hourglass.cli.entry import run

for line in sys.argv[1:]:
    print("$ " + line, file=sys.stderr, flush=True)
    os.environ.pop("HYDRA_FULL_ERROR", None)  # `run` leaves it set, for the process ends with its command
    try:
        run(line.split()[0], line.split()[1:])
    except SystemExit as end:
        print(end, file=sys.stderr, flush=True)
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with what is installed here and needed without extras, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    for name in set(needed(Requirement("hourglass"), set())):
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another platform
            continue
        for top in {Path(file).parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(found.locate_file(top))))
    for ours in (ROOT / "src").iterdir():
        (folder / ours.name).symlink_to(ours)
    return folder


def outcomes(plain: Path, folder: Path, *lines: str) -> list[str]:
    """What each of the lines, a command with its arguments, left on stderr."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", ONE_AFTER_THE_OTHER, *lines],
        cwd=folder, env={"PYTHONPATH": str(plain)}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr.split("$ ")[1:]


def test_training_takes_no_extra(plain: Path, tmp_path: Path) -> None:
    assert outcomes(plain, tmp_path, "train --help") == ["train --help\n0\n"]


TINY_RUN = " ".join(TINY)
WORKS = (
    f"train {TINY_RUN} model=bottleneck latent=gaussian loss=gaussian hydra.run.dir=run",
    "evaluate run=run corruption=gaussian iwae=2", "reconstruct run=run images=picture.png out=out compare=true",
    "export run=run format=pt2 out=model.pt2", "runs list", "data list",
)  # fmt: skip
NEEDS = {
    "sample run=run sampler=prior n=8": "probe", "probe run=run": "probe",
    "embed run=run data=run out=codes.parquet": "embed", "export run=run format=onnx": "export",
    "show steps=2": "report", "operators": "report", "report run": "report",
}  # fmt: skip


@pytest.mark.slow
def test_without_extras_a_command_works_or_names_its_extra(plain: Path, tmp_path: Path) -> None:
    Image.new("L", (40, 30), 90).save(tmp_path / "picture.png")
    sweep = f"train -m {TINY_RUN} decoder=transpose,resize reference='decoder=resize' sweep=two hydra.sweep.dir=two"
    assert outcomes(plain, tmp_path, sweep) == [f"{sweep}\n"]  # alone: it forks, and may not after another has trained
    done = outcomes(plain, tmp_path, *WORKS, *NEEDS)
    assert done[: len(WORKS)] == [f"{line}\n" for line in WORKS]
    for (line, extra), said in zip(NEEDS.items(), done[len(WORKS) :], strict=True):
        assert said.startswith(f"{line}\n")
        assert f"pip install 'hourglass[{extra}]'" in said
        assert "Traceback" not in said
