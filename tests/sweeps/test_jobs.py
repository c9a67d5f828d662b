"""One job and the processes around it: what they tell each other, and what two of them do to one run folder."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers.project import ROOT, TINY, nobody_is_left, run_command
from helpers.sweeping import command, descendants, names, statuses, sweep, wait_for
from hourglass.core.errors import Busy
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT
from hourglass.runs import status
from hourglass.runs.job import Job
from hourglass.runs.read import read_summary


def job(folder: Path, group: str | None = None) -> Job:
    return Job(folder, "0123abcd", {"model": "m", "encoder": "e", "decoder": "d"}, group=group)


def test_loggers_tell_runs_of_one_configuration_apart() -> None:
    """Or W&B would append the second to the first."""
    assert job(Path("logs/runs/2026-01-01_00-00-00-0123abcd")).log_id == "2026-01-01_00-00-00-0123abcd"
    assert job(Path("a b")).log_id == "a-b-0123abcd"
    assert job(Path("logs/sweeps/first/0123abcd"), "first").log_id == "first-0123abcd"


def write_summary(folder: Path, state: str) -> None:
    write_json(folder / "summary.json", {"format": FORMAT, "status": state, "error": None})


def test_an_end_is_noted_only_where_nobody_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "WAIT", 0.1)
    write_summary(tmp_path, "running")
    with status.lock(tmp_path):
        status.set_ended(tmp_path, "failed", "killed", overrule=True)
        assert status.status_of(tmp_path) == "running"
    status.set_ended(tmp_path, "failed", "killed", overrule=False)
    assert read_summary(tmp_path) == {"format": FORMAT, "status": "failed", "error": "killed"}
    status.set_ended(tmp_path, "failed", "rank 1: why", overrule=True)
    assert read_summary(tmp_path) == {"format": FORMAT, "status": "failed", "error": "rank 1: why"}
    write_summary(tmp_path, "completed")
    status.set_ended(tmp_path, "failed", "rank 1: why", overrule=True)
    assert status.status_of(tmp_path) == "completed"


def test_a_lock_does_not_outlive_its_process_in_a_child(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with status.lock(tmp_path):
        if os.fork() == 0:
            os.write(writer, b"x")
            time.sleep(5)
            os._exit(0)
        assert os.read(reader, 1) == b"x"
        assert status.is_locked(tmp_path)
    assert not status.is_locked(tmp_path)


@pytest.mark.slow
def test_one_sweep_started_twice_trains_every_job_once(tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    with ThreadPoolExecutor() as both:
        done = list(both.map(lambda _: sweep(folder, "seed=0,1,2"), range(2)))
    screens = "".join(d.stdout + d.stderr for d in done)
    assert "Traceback" not in screens
    assert statuses(folder) == {f"seed={seed}": "completed" for seed in (0, 1, 2)}
    assert "going on from" not in screens
    for identity in names(folder):
        rows = (folder / identity / "metrics.csv").read_text(encoding="utf-8").splitlines()
        assert len(rows) == len({row.split(",")[0] for row in rows})


@pytest.mark.slow
def test_a_reason_longer_than_a_pipe_arrives(tmp_path: Path) -> None:
    code = """
from hourglass.cli import run
from hourglass.runs import launch
def fail(*_, **__): raise RuntimeError("x" * 200_000)
launch.train = fail
run("train")
"""
    done = run_command("-c", code, "-m", "seed=0,1", f"hydra.sweep.dir={tmp_path / 's'}", "sweep=s", *TINY, timeout=120)
    assert done.returncode == 1
    assert "[2/2] seed=1" in done.stdout


@pytest.mark.slow
def test_workers_of_the_data_loader_leave_stopping_to_the_run(tmp_path: Path) -> None:
    """SIGTERM to every process, as SLURM and containers send it."""
    folder, slow = tmp_path / "all", os.environ | {"SABOTAGE": json.dumps([{"when": [], "how": "slow"}])}
    overrides = ("trainer.limit_train_batches=40", "data.num_workers=2", "seed=0,1")
    process = subprocess.Popen(
        [sys.executable, *command(folder, *overrides)], cwd=ROOT, env=slow, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_for(lambda: list(folder.glob("*/images/*0000.png")))
    time.sleep(1)
    for pid in descendants(process.pid):
        os.kill(pid, signal.SIGTERM)
    screen, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert statuses(folder) == {"seed=0": "interrupted", "seed=1": "planned"}
    assert screen.count("stopping at the next step") == 1
    assert list(folder.glob("*/checkpoints/last.ckpt"))


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["INT", "TERM"])
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "ray"])
def test_jobs_of_a_parallel_sweep_are_stopped_in_good_order(tmp_path: Path, launcher: str, sent: str) -> None:
    engines = {"joblib": "hydra_plugins.hydra_joblib_launcher", "submitit_local": "submitit", "ray": "ray"}
    pytest.importorskip(engines[launcher])
    folder, signum = tmp_path / "parallel", signal.Signals[f"SIG{sent}"]
    overrides = ("trainer.max_epochs=400", "trainer.limit_train_batches=20", "seed=0,1,2")
    chosen = (*overrides, f"hydra/launcher={launcher}", "hydra.launcher.n_jobs=2")
    process = subprocess.Popen(
        [sys.executable, "train.py", *command(folder, *chosen)[1:]], cwd=ROOT, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_for(lambda: len(list(folder.glob("*/checkpoints/last.ckpt"))) == 2)
    send = os.killpg if sent == "INT" else os.kill  # Ctrl-C goes to all processes of a terminal
    send(process.pid, signum)
    screen, _ = process.communicate(timeout=90)
    assert process.returncode == 128 + signum, screen
    assert sorted(statuses(folder).values()) == ["interrupted", "interrupted", "planned"], screen
    assert "3 jobs: 1 planned, 2 interrupted" in screen
    summaries = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/summary.json")]
    assert [s["status"] for s in summaries] == ["interrupted", "interrupted"]  # they said so themselves, after saving
    assert nobody_is_left(folder)
    assert not list(folder.glob(".stop*"))


@pytest.mark.slow
def test_a_moved_run_remembers_its_best(tmp_path: Path) -> None:
    """Stopped in its test, moved, and continued: Lightning by itself would know no best weights any more."""
    options = ["trainer.max_epochs=2", *TINY[1:]]
    folder, elsewhere = tmp_path / "here", tmp_path / "there"
    code = """
import os, signal
from hourglass.cli import run
from hourglass.runs import train
train.test = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
run("train")
"""
    done = run_command("-c", code, f"hydra.run.dir={folder}", *options)
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder.rename(elsewhere)
    done = run_command("train.py", f"resume={elsewhere}")
    assert done.returncode == 0, done.stderr
    assert "dirpath has changed" not in done.stderr
    assert status.status_of(elsewhere) == "completed"


def test_busy_is_said_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "WAIT", 0.1)
    with status.lock(tmp_path), pytest.raises(Busy, match="another process is at work"), status.lock(tmp_path):
        pass
