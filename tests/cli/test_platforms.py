"""Another system than ours: without fork and fcntl, with an ASCII terminal, for a user without a home or a name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from helpers.project import ROOT, TINY
from hourglass.core.errors import ConfigError
from hourglass.core.processes.environment import refuse_without_fork

ELSEWHERE = """
import os, pwd, sys

sys.modules["fcntl"] = sys.modules["resource"] = None
del os.fork

def unknown(_):
    raise KeyError("uid not found")

pwd.getpwuid = pwd.getpwnam = unknown

from hourglass.cli.entry import run

for line in sys.argv[1:]:
    command, *arguments = line.split()
    run(command, arguments)
"""
ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def elsewhere(folder: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Each of the lines is a command with its arguments, one after the other in one process."""
    without = ("HOME", "USER", "LOGNAME", "USERNAME", "LNAME")
    environment = {name: value for name, value in os.environ.items() if name not in without} | ASCII
    environment["PYTHONPATH"] = str(ROOT / "src")
    return subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *lines],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip


@pytest.mark.slow
def test_single_runs_work_everywhere(tmp_path: Path) -> None:
    Image.new("L", (40, 30), 90).save(tmp_path / "picture.png")
    tiny = [override for override in TINY if not override.startswith("logger=")]
    done = elsewhere(
        tmp_path,
        f"train {' '.join(tiny)} logger=csv hydra.run.dir=run/1",
        "evaluate run=run/1 corruption=gaussian",
        "reconstruct run=run/1 images=picture.png out=out compare=true",
        "report run",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "picture.png  40?30 ? 28?28  MSE" in done.stdout
    assert "28×28" in (tmp_path / "run" / "1" / "train.log").read_text(encoding="utf-8")
    for name in ("run/report.html", "out/picture.png", "run/1/checkpoints/best.ckpt"):
        assert (tmp_path / name).stat().st_size > 0


def test_every_help_is_printed_everywhere(tmp_path: Path) -> None:
    commands = ("evaluate", "reconstruct", "report", "operators", "show", "train")  # the last one ends the process
    done = elsewhere(tmp_path, *(f"{command} --help" for command in commands))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    for part in ("\ndecoder: ", "ladder: false", "images: ???", "reference", "[out=FOLDER]", "steps: 256"):
        assert part in done.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train -m decoder=transpose,resize", "a sweep takes forked processes, which needs Linux"),
        pytest.param(
            "train trainer=ddp trainer.accelerator=cpu trainer.devices=2 logger=none",
            "trainer.devices=2 takes forked processes", marks=pytest.mark.slow,
        ),
        ("report ~/runs", "~ is the home directory of a user, and this one has none"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_in_a_sentence(tmp_path: Path, line: str, message: str) -> None:
    done = elsewhere(tmp_path, line)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_a_system_without_fork_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_without_fork("a sweep")
    monkeypatch.delattr(os, "fork")
    with pytest.raises(ConfigError, match="use single runs on one device"):
        refuse_without_fork("a sweep")
