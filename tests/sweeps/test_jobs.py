"""One job and the processes around it: what they tell each other, and what two of them do to one run folder."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hourglass.sweeps.sweeps.sweeps import progress
from test_sweeps import command, statuses, sweep

from helpers.project import ROOT, TINY, nobody_is_left, run_command
from hourglass.core.errors import Busy
from hourglass.runs import job as jobs
from hourglass.runs import status as states


def job(folder: Path, group: str | None = None) -> jobs.Job:
    return jobs.Job(folder, "0123abcd", {"model": "m", "encoder": "e", "decoder": "d"}, group=group)


def test_loggers_tell_runs_of_one_configuration_apart() -> None:
    """Or W&B would append the second to the first."""
    assert job(Path("logs/runs/2026-01-01_00-00-00-0123abcd")).log_id == "2026-01-01_00-00-00-0123abcd"
    assert job(Path("a b")).log_id == "a-b-0123abcd"
    assert job(Path("logs/sweeps/first/0123abcd"), "first").log_id == "first-0123abcd"


def test_an_end_is_noted_only_where_nobody_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "WAIT", 0.1)
    states.write_summary(tmp_path, {"status": "running", "error": None})
    with states.lock(tmp_path):
        states.set_ended(tmp_path, "failed", "killed", overrule=True)
        assert states.status_of(tmp_path) == "running"
    states.set_ended(tmp_path, "failed", "killed", overrule=False)
    assert states.read_summary(tmp_path) == {"status": "failed", "error": "killed"}
    states.set_ended(tmp_path, "failed", "rank 1: why", overrule=True)
    assert states.read_summary(tmp_path) == {"status": "failed", "error": "rank 1: why"}
    states.write_summary(tmp_path, {"status": "completed", "error": None})
    states.set_ended(tmp_path, "failed", "rank 1: why", overrule=True)
    assert states.status_of(tmp_path) == "completed"


def test_a_lock_does_not_outlive_its_process_in_a_child(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with states.lock(tmp_path):
        if os.fork() == 0:
            states.let_go()
            os.write(writer, b"x")
            time.sleep(5)
            os._exit(0)
        assert os.read(reader, 1) == b"x"
        assert states.is_locked(tmp_path)
    assert not states.is_locked(tmp_path)


@pytest.mark.slow
def test_one_sweep_started_twice_trains_every_job_once(tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    with ThreadPoolExecutor() as both:
        done = list(both.map(lambda _: sweep(folder, "seed=0,1,2"), range(2)))
    screens = "".join(d.stdout + d.stderr for d in done)
    assert "Traceback" not in screens
    assert statuses(folder) == {f"seed={seed}": "completed" for seed in (0, 1, 2)}
    assert "going on from" not in screens
    for identity in progress.of_this_command(folder):
        rows = (folder / identity / "metrics.csv").read_text().splitlines()
        assert len(rows) == len({row.split(",")[0] for row in rows})


@pytest.mark.slow
def test_a_reason_longer_than_a_pipe_arrives(tmp_path: Path) -> None:
    code = """
import sys; sys.argv[0] = "train.py"
from hourglass import run, commands
import hydra
def fail(*_, **__): raise RuntimeError("x" * 200_000)
run.train = fail
commands.main(hydra.main("ROOT/conf", "train", "1.3")(commands.train))
""".replace("ROOT", str(ROOT))
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
    summaries = [json.loads(path.read_text()) for path in folder.glob("*/summary.json")]
    assert [s["status"] for s in summaries] == ["interrupted", "interrupted"]  # they said so themselves, after saving
    assert nobody_is_left(folder)
    assert not list(folder.glob(".stop*"))


@pytest.mark.slow
def test_a_moved_run_remembers_its_best(tmp_path: Path) -> None:
    """Stopped in its test, moved, and continued: Lightning by itself would know no best weights any more."""
    options = ["trainer.max_epochs=2", *TINY[1:]]
    folder, elsewhere = tmp_path / "here", tmp_path / "there"
    code = """
import os, sys, signal
sys.argv[0] = "train.py"
from hourglass import run, commands
import hydra
run.test = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
commands.main(hydra.main("ROOT/conf", "train", "1.3")(commands.train))
""".replace("ROOT", str(ROOT))
    done = run_command("-c", code, f"hydra.run.dir={folder}", *options)
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder.rename(elsewhere)
    done = run_command("train.py", f"resume={elsewhere}")
    assert done.returncode == 0, done.stderr
    assert "dirpath has changed" not in done.stderr
    assert states.status_of(elsewhere) == "completed"


def wait_for(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, itself first."""
    found = [pid]
    for one in found:
        path = Path(f"/proc/{one}/task/{one}/children")
        found += map(int, path.read_text().split()) if path.exists() else []
    return found


def test_busy_is_said_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "WAIT", 0.1)
    with states.lock(tmp_path), pytest.raises(Busy, match="another process is at work"), states.lock(tmp_path):
        pass
