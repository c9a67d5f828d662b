"""Real runs beside a W&B server that works, refuses, keeps silent or dies: it costs seconds, never a run.

The server is ours, on localhost: see fake_wandb.py.
"""

import contextlib
import csv
import glob
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from helpers.fake_wandb import FakeWandb, Mode, Run
from helpers.project import ROOT, run_command

TINY = (
    "trainer.max_epochs=1", "trainer.limit_train_batches=4", "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1", "trainer.log_every_n_steps=1", "trainer.enable_progress_bar=false",
    "baselines=null", "~callbacks.checkerboards", "~callbacks.health",
    "logger.wandb.init_timeout=3", "logger.wandb.finish_timeout=3",
)  # fmt: skip
LATER = r"this run is logged offline; upload it later with: wandb sync .*/wandb/offline-run-\*"
UNREACHABLE = r"W&B cannot be reached \(.+\); " + LATER
MESSAGES: dict[str, list[str]] = {
    "no key": [r"W&B: no API key is configured \(wandb login\), so " + LATER],
    "refuse": [UNREACHABLE],
    "silent": [UNREACHABLE],
    "dies": [
        r"W&B warns: Timed out finishing run\. Training goes on; what is missing there can be uploaded later with: "
        r"wandb sync --include-online .*"
    ],
}
"""What the screen says, all of it."""


def trained(server: str, folder: Path, *overrides: str) -> tuple[str, FakeWandb]:
    """A real `train.py` beside such a server; returns the screen and what the server saw. It must not take minutes."""
    mode: Mode = "normal" if server == "no key" else server  # type: ignore[assignment]
    with FakeWandb(mode) as fake:
        environment = fake.environment | ({"WANDB_API_KEY": ""} if server == "no key" else {})
        done = run_command("train.py", *overrides, *TINY, timeout=120, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [call for call in fake.calls if "otel" in call], "telemetry: it holds the process up for 10 s"
    assert not left_behind(folder)
    return done.stdout + done.stderr, fake


def left_behind(folder: Path) -> list[str]:
    """Processes that know this test's own folder from their environment."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # another user's, or gone by now
            if str(folder.parent).encode() in path.read_bytes() and path.parent.name != str(os.getpid()):
                commands.append((path.parent / "cmdline").read_text().replace("\0", " "))
    return commands


def wandb_lines(screen: str) -> list[str]:
    return [line for line in screen.splitlines() if "W&B" in line or line.startswith("wandb")]


def uploaded(hints: list[str], folder: Path) -> dict[str, Run]:
    """What a working server gets by the commands that the screen advised."""
    with FakeWandb() as fake:
        for hint in hints:
            words = shlex.split(hint.split("later with: wandb ")[1])
            paths = [path for word in words for path in (glob.glob(word) if "*" in word else [word])]
            done = run_command("-m", "wandb", *paths, cwd=folder, **fake.environment)
            assert done.returncode == 0, done.stdout + done.stderr
    return fake.runs


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def check_arrived(run: Run, folder: Path) -> None:
    """The run of that folder, with every loss of its metrics.csv."""
    summary = summary_of(folder)
    assert summary["status"] == "completed"
    assert run.id == f"{summary['sweep'] or folder.name}-{summary['id']}"
    assert run.name == f"bottleneck/maxpool-transpose/{summary['seed']}"
    assert (run.job_type, run.project, run.state) == ("train", "hourglass", "finished")
    assert run.config["seed"] == summary["seed"]
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name, count in (("train/loss", 4), ("val/loss", 1), ("test/mse", 1)):
        assert len(run.values(name)) == count
        assert run.values(name) == pytest.approx([float(row[name]) for row in rows if row[name]], rel=1e-6)
    pictures = [Path(name).name.rsplit("_", 2)[0] for name in run.files if name.endswith(".png")]
    assert sorted(pictures) == ["interpolations", "neighbours", "reconstructions", "reconstructions", "traversals"]


def check_screen(screen: str, patterns: list[str]) -> list[str]:
    """Nothing of W&B's stands on the screen but these; returns the lines."""
    lines = wandb_lines(screen)
    assert len(lines) == len(patterns), screen
    for pattern, line in zip(patterns, lines, strict=True):
        assert re.fullmatch(pattern, line), line
    return lines


@pytest.mark.parametrize(
    "server", [pytest.param(server, marks=pytest.mark.slow) for server in ("no key", "refuse", "silent", "dies")]
)
def test_a_run_completes_reports_why_once_and_can_be_uploaded_later(server: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    screen, fake = trained(server, folder, f"hydra.run.dir={folder}")
    runs = uploaded(check_screen(screen, MESSAGES[server]), folder)
    assert len(runs) == 1
    check_arrived(next(iter(runs.values())), folder)
    assert [run.state for run in fake.runs.values()] == (["running"] if server == "dies" else [])


@pytest.mark.slow
def test_a_run_arrives_while_it_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    screen, fake = trained("normal", folder, f"hydra.run.dir={folder}")
    assert wandb_lines(screen) == []
    (run,) = fake.runs.values()
    check_arrived(run, folder)
    assert run.group is None


@pytest.mark.slow
def test_an_interrupted_run_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    endless = [value for value in TINY if not value.startswith(("trainer.max_epochs", "trainer.limit_train"))]
    with FakeWandb() as fake:
        process = subprocess.Popen(
            [sys.executable, "train.py", f"hydra.run.dir={folder}", "trainer.max_epochs=1000", *endless],
            cwd=ROOT, env=os.environ | fake.environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while not list(folder.glob("metrics.csv")) and process.poll() is None:
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)  # as the terminal sends Ctrl-C: to the whole group
        screen, _ = process.communicate(timeout=120)
    assert process.returncode == 130, screen
    assert wandb_lines(screen) == []
    (run,) = fake.runs.values()
    assert run.state == "failed"
    assert run.values("train/loss")
    assert not left_behind(folder)


SWEEP = ("-m", "seed=0,1", "sweep=trial", "report=false")


@pytest.mark.parametrize("server", [pytest.param(s, marks=pytest.mark.slow) for s in ("no key", "refuse", "silent")])
def test_a_sweep_reports_it_once_and_waits_once(server: str, tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    screen, fake = trained(server, folder, *SWEEP, f"hydra.sweep.dir={folder}")
    lines = check_screen(screen, MESSAGES[server])
    assert f"{folder}/*/wandb/offline-run-*" in lines[0]
    assert fake.calls.count("RunResumeStatus") == (0 if server == "no key" else 1)  # the second job does not try
    check_sweep(uploaded(lines, folder), folder)


@pytest.mark.slow
def test_a_server_that_dies_in_a_sweep_is_waited_for_once(tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    screen, fake = trained("dies", folder, *SWEEP, f"hydra.sweep.dir={folder}")
    lines = check_screen(screen, [*MESSAGES["dies"], UNREACHABLE])  # of the first job, and of the second
    assert fake.calls.count("RunResumeStatus") == 1
    check_sweep(uploaded(lines, folder), folder)


@pytest.mark.slow
def test_a_sweep_arrives_as_one_group(tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    screen, fake = trained("normal", folder, *SWEEP, f"hydra.sweep.dir={folder}")
    assert wandb_lines(screen) == []
    check_sweep(fake.runs, folder)


def check_sweep(runs: dict[str, Run], folder: Path) -> None:
    """One run a job, in one group."""
    jobs = {f"trial-{path.parent.name}": path.parent for path in folder.glob("*/summary.json")}
    assert len(jobs) == 2
    assert sorted(runs) == sorted(jobs)
    for id, run in runs.items():
        assert run.group == "trial"
        check_arrived(run, jobs[id])
