"""Exact resume: what is killed and continued ends as if it never had been; what is asked to stop saves first."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from helpers.project import ROOT, run_command
from hourglass.core.errors import Busy, StorageError
from hourglass.runs import status
from hourglass.runs.read import read_summary
from hourglass.training.checkpoints import DurableCheckpointIO
from hourglass.training.loggers.metrics_csv import MetricsCsv

QUICK = (
    "trainer.max_epochs=2", "trainer.limit_train_batches=30", "trainer.log_every_n_steps=2", "logger=none",
    "baselines=null", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false", "channels=[4]",
    "callbacks.checkerboards.images=8",
    "callbacks.image_grids.count=1", "trainer.limit_test_batches=1", "data.eval_batch_size=50",
)  # fmt: skip


def torture(folder: Path, *arguments: str, timeout: float) -> None:
    done = run_command("tests/helpers/torture.py", str(folder), *arguments, timeout=timeout)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["wrong"] == []
    assert result["kills"] >= result["rounds"]


@pytest.mark.slow
def test_120_rounds_of_kills_change_no_bit(tmp_path: Path) -> None:
    torture(tmp_path, "120", "0", timeout=3000)


@pytest.mark.slow
def test_kills_on_two_ranks_change_no_bit(tmp_path: Path) -> None:
    torture(tmp_path, "20", "2", "--ranks", "2", timeout=1500)


@pytest.mark.slow
def test_what_is_damaged_at_random_moments_is_repaired_or_refused_by_name(tmp_path: Path) -> None:
    done = run_command("tests/helpers/damage.py", str(tmp_path / "damage"), "32", "0", timeout=2000)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout.splitlines()[-1])
    assert [row["bad"] for row in table.values()] == [[]] * len(table)
    assert sum(row["tried"] for row in table.values()) > 12


def start(folder: Path, *overrides: str, ranks: int = 1) -> subprocess.Popen[str]:
    """A real `train.py` in a session of its own, a tenth of a second a batch, that has trained for some batches."""
    slow = os.environ | {"SABOTAGE": '[{"when": [], "how": "slow"}]'}
    devices = [] if ranks == 1 else ["trainer=ddp", f"trainer.devices={ranks}"]
    command = [
        sys.executable,
        "tests/helpers/sabotaged_train.py",
        f"hydra.run.dir={folder}",
        *QUICK,
        *devices,
        *overrides,
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env=slow, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.time() + 120
    while not list(folder.glob("images/*0000.png")) and process.poll() is None and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    return process


@pytest.mark.parametrize(
    ("sent", "group", "ranks"),
    [
        pytest.param("INT", True, 1, marks=pytest.mark.slow),
        pytest.param("TERM", True, 2, marks=pytest.mark.slow),
        pytest.param("TERM", False, 1, marks=pytest.mark.slow),
        pytest.param("INT", True, 2, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_saves_says_so_and_is_continued(tmp_path: Path, sent: str, group: bool, ranks: int) -> None:
    """Twice the signal, once to the whole group: still in good order."""
    folder, signum = tmp_path / "run", signal.Signals[f"SIG{sent}"]
    process = start(folder, ranks=ranks)
    os.killpg(process.pid, signum) if group else os.kill(process.pid, signum)
    time.sleep(0.1)
    os.kill(process.pid, signum)
    screen, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signum, screen
    summary = read_summary(folder) or {}
    assert (summary["status"], summary["error"]) == (
        "interrupted",
        f"stopped by SIG{sent}; the same command continues it",
    )
    last = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert 0 < last["global_step"] < 60  # the step at which it stopped, no regular one
    done = run_command("train.py", f"resume={folder}")
    assert done.returncode == 0, done.stderr
    assert status.status_of(folder) == "completed"
    assert f"going on from {folder / 'checkpoints' / 'last.ckpt'}" in done.stdout
    again = run_command("train.py", f"resume={folder}")
    assert again.returncode == 1
    assert "is completed: there is nothing to continue" in again.stderr


@pytest.mark.slow
def test_a_third_signal_stops_at_once(tmp_path: Path) -> None:
    process = start(tmp_path / "run")
    os.kill(process.pid, signal.SIGSTOP)  # so that all three come before it can stop in good order
    for _ in range(3):
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.02)
    assert process.wait(timeout=10) == 143


@pytest.mark.slow
def test_a_run_that_is_being_trained_is_left_to_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = start(tmp_path / "run")
    assert status.status_of(tmp_path / "run") == "running"
    before = (tmp_path / "run" / "summary.json").read_text(encoding="utf-8")
    monkeypatch.setattr(status, "WAIT", 0.2)
    with pytest.raises(Busy, match="another process is at work"), status.lock(tmp_path / "run"):
        pass
    assert (tmp_path / "run" / "summary.json").read_text(encoding="utf-8") == before
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert status.status_of(tmp_path / "run") == "interrupted"  # though its summary still says running


@pytest.mark.slow
def test_40_kills_during_a_save_leave_no_torn_checkpoint(tmp_path: Path) -> None:
    """With `$TMPDIR` on another file system, where Lightning's own way tears a quarter of them."""
    elsewhere = Path("/dev/shm")
    assert elsewhere.stat().st_dev != tmp_path.stat().st_dev
    code = """
import sys, torch
from hourglass.training.checkpoints import DurableCheckpointIO
io, n = DurableCheckpointIO(), 0
while True:
    n += 1
    io.save_checkpoint({"n": n, "w": torch.full((300_000,), float(n))}, sys.argv[1])
    print(n, flush=True)
"""
    program = """
import os, random, signal, subprocess, sys, time
import torch
sys.argv[1:], code = [sys.argv[1]], sys.argv[2]
chance, path, torn, kills = random.Random(0), sys.argv[1], 0, 0
compiled = compile(code, "saver", "exec")
import hourglass.training.checkpoints
while kills < 40:
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        exec(compiled, {})
    time.sleep(chance.uniform(0.005, 0.05))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    if os.path.exists(path):
        kills += 1
        try:
            loaded = torch.load(path, weights_only=True)
            torn += not bool((loaded["w"] == loaded["n"]).all())
        except Exception:
            torn += 1
print(torn)
"""
    done = run_command("-c", program, str(tmp_path / "last.ckpt"), code, TMPDIR=str(elsewhere))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0"


def test_a_full_disk_costs_no_earlier_checkpoint(tmp_path: Path) -> None:
    path, io = tmp_path / "last.ckpt", DurableCheckpointIO()
    io.save_checkpoint({"n": 1}, path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match=r"MB are free for .*last.ckpt, which cannot be written"):
            io.save_checkpoint({"n": 2, "w": torch.zeros(1_000_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert torch.load(path, weights_only=True) == {"n": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_the_history_goes_on_where_the_checkpoint_was(tmp_path: Path) -> None:
    first = MetricsCsv(tmp_path)
    for step in range(6):
        first.log_metrics({"epoch": step // 3, "a": 0.1 * step, **({"b": 1e-20} if step == 2 else {})}, step)
    first.write()
    whole = (tmp_path / "metrics.csv").read_bytes()
    second = MetricsCsv(tmp_path)
    second.keep(before=4)
    assert sorted(second.rows) == [0, 1, 2, 3]
    for step in (4, 5):
        second.log_metrics({"epoch": 1, "a": 0.1 * step}, step)
    second.write()
    assert (tmp_path / "metrics.csv").read_bytes() == whole
    assert second.last(("a", "b")) == {"a": 0.5, "b": 1e-20}
