"""Sweeps as a user runs them: what becomes of every job, and of the sweep when some of them do not go well."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hourglass.cli.sweep
from helpers.project import ROOT, TINY, configure, nobody_is_left, run_command
from helpers.sweeping import command, names, statuses, summaries, sweep, wait_for
from hourglass.config.overrides import sweep_name
from hourglass.core.processes.environment import threads_each
from hourglass.runs.read import read_summary, read_sweep


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 encoders × 4 decoders × 2 seeds: one pair is incompatible, one job is made to fail, one to diverge."""
    folder = tmp_path_factory.mktemp("sweeps") / "grid"
    accidents = [
        {"when": ["encoder=maxpool", "decoder=resize", "seed=1"], "how": "raise"},
        {"when": ["encoder=strided", "decoder=subpixel", "seed=0"], "how": "diverge"},
    ]
    grid = ("encoder=maxpool,strided", "decoder=transpose,resize,subpixel,max_unpool", "seed=0,1")
    done = sweep(folder, *grid, accidents=accidents)
    screen = done.stdout + done.stderr + f"\nexit code {done.returncode}"
    (folder / "screen.txt").write_text(screen, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_what_becomes_of_one_job_costs_no_other(folder: Path) -> None:
    ends = statuses(folder)
    assert len(ends) == 16
    assert sorted(ends.values()) == ["completed"] * 12 + ["diverged", "failed"] + ["incompatible"] * 2
    assert ends["encoder=maxpool decoder=resize seed=1"] == "failed"
    assert ends["encoder=strided decoder=subpixel seed=0"] == "diverged"
    assert ends["encoder=strided decoder=max_unpool seed=0"] == "incompatible"


@pytest.mark.slow
def test_the_sweep_ends_with_a_table_and_an_exit_code(folder: Path) -> None:
    screen = (folder / "screen.txt").read_text(encoding="utf-8")
    assert screen.endswith("exit code 1")
    table = screen[screen.index("[16/16]") :]
    for words in (
        "MemoryError: out of memory, as the test wants it",
        "use encoder=maxpool",
        "Try a smaller optimizer.lr",
    ):
        assert words in table
    assert "16 jobs: 12 completed, 1 failed, 1 diverged, 2 incompatible" in table
    lines = [line for line in screen.splitlines() if re.match(r"\[\d+/16\]", line)]
    assert [line.split()[0] for line in lines] == [f"[{n}/16]" for n in range(1, 17)]
    assert all("left" in line for line in lines[:-1])
    assert "best" in lines[-1]
    assert screen.count("training on") == 1  # said once a sweep
    assert "epoch 0" not in screen


@pytest.mark.slow
def test_a_sweep_says_what_it_was(folder: Path) -> None:
    written = read_sweep(folder)
    (invocation,) = written["invocations"]
    assert invocation["command"].startswith("python train.py -m ")
    assert "encoder=maxpool,strided" in invocation["overrides"]
    assert invocation["versions"]["torch"]
    assert set(written["jobs"]) == {path.name for path in folder.iterdir() if path.is_dir()}
    for identity in written["jobs"]:
        summary = read_summary(folder / identity) or {}
        assert summary["id"] == identity
        assert summary["sweep"] == "test"
        if summary["status"] == "completed":
            kept = (folder / identity / "train.log").read_text(encoding="utf-8")
            assert re.search(r"^epoch 0   step \d+   train/loss [\d.e-]+   val/loss [\d.e-]+", kept, re.MULTILINE)
            assert f"MSE {summary['metrics']['test/mse']:.5f}" in kept


@pytest.mark.slow
def test_the_same_command_again_leaves_alone_what_is_done_and_retries_on_demand(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/**/*") if path.name != "train.log"}
    grid = ("encoder=maxpool,strided", "decoder=transpose,resize,subpixel,max_unpool", "seed=0,1")
    done = sweep(folder, *grid, "retry=failed")
    assert done.returncode == 1  # diverged and incompatible as they were
    ends = statuses(folder)
    assert ends.pop("encoder=maxpool decoder=resize seed=1") == "completed"
    assert sorted(ends.values()) == ["completed"] * 12 + ["diverged"] + ["incompatible"] * 2
    retried = next(id for id, name in names(folder).items() if name == "encoder=maxpool decoder=resize seed=1")
    changed = {path.relative_to(folder).parts[0] for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert changed == {retried}
    assert len(read_sweep(folder)["invocations"]) == 2


@pytest.mark.slow
def test_a_command_answers_for_its_own_jobs(folder: Path) -> None:
    """One more seed under the same name: what became of the others is no concern of this one."""
    done = sweep(folder, "encoder=strided", "decoder=resize", "seed=2,3")
    assert done.returncode == 0
    assert "2 jobs: 2 completed\n  beside 16 of other commands: " in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert [line.split()[:2] for line in lines] == [["[1/2]", "seed=2"], ["[2/2]", "seed=3"]]
    assert "left" not in lines[1]


@pytest.mark.slow
def test_each_job_says_what_it_chose_and_what_it_suffers_from(tmp_path: Path) -> None:
    done = sweep(tmp_path / "fair", "decoder=resize,subpixel", "match=params", "channels=[16,32]")
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("match=")] == ["match=params:"] * 2
    assert done.stdout.count("training on") == 1


@pytest.mark.slow
def test_a_fault_of_the_report_costs_the_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hourglass.cli.sweep, "make", lambda _: 1 / 0)
    hourglass.cli.sweep.report(folder, configure("logger=none"))
    screen = capsys.readouterr()
    assert f"no report, by a fault of ours; python report.py {folder} tries again" in screen.out
    assert "ZeroDivisionError" in screen.err


@pytest.mark.slow
def test_two_jobs_of_one_configuration_are_one(tmp_path: Path) -> None:
    done = sweep(tmp_path / "twins", "seed=0,0")
    assert done.returncode == 0
    assert "has the same configuration as an earlier one: it is trained once" in done.stdout
    assert len(statuses(tmp_path / "twins")) == 1


def test_the_name_is_made_of_what_is_computed() -> None:
    name = sweep_name(["decoder=transpose,resize", "seed=range(0,8)"])
    assert re.fullmatch(r"decoder-seed-[0-9a-f]{6}", name)
    assert sweep_name(["seed=range(0,8)", "decoder=transpose,resize"]).split("-")[-1] == name.split("-")[-1]
    for volatile in ("retry=failed", "logger=none", "hydra/launcher=joblib", "logger.wandb.project=x"):
        assert sweep_name(["decoder=transpose,resize", "seed=range(0,8)", volatile]) == name
    assert sweep_name(["decoder=transpose,resize", "seed=range(0,9)"]) != name
    assert sweep_name(["experiment=checkerboard", "logger=none"]) == "checkerboard"
    assert re.fullmatch(r"experiment-[0-9a-f]{6}", sweep_name(["experiment=checkerboard,denoising"]))
    assert sweep_name(["seed=0,1", "~callbacks.health"]) != sweep_name(["seed=0,1"])


@pytest.mark.slow
def test_a_folder_belongs_to_one_configuration(folder: Path) -> None:
    other = next(path for path in folder.iterdir() if path.is_dir())
    done = run_command("train.py", f"hydra.run.dir={other}", *TINY, "seed=77")
    assert done.returncode == 1
    assert f"{other} holds run {other.name}" in done.stderr
    assert (read_summary(other) or {})["seed"] != 77


@pytest.mark.slow
def test_a_job_that_is_killed_costs_only_itself(tmp_path: Path) -> None:
    accidents = [{"when": ["seed=0"], "how": "kill"}, {"when": ["seed=1"], "how": "exit"}]
    done = sweep(tmp_path / "killed", "seed=0,1,2", accidents=accidents)
    assert done.returncode == 1
    jobs = summaries(tmp_path / "killed")
    assert [jobs[f"seed={seed}"]["status"] for seed in (0, 1, 2)] == ["failed", "failed", "completed"]
    assert jobs["seed=0"]["error"] == "its process was killed by SIGKILL: out of memory?"
    assert jobs["seed=1"]["error"] == "its process ended with exit code 7"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "times", "group"),
    [
        ("INT", 1, True),
        pytest.param("TERM", 1, False, marks=pytest.mark.slow),
        pytest.param("TERM", 2, True, marks=pytest.mark.slow),
    ],
)
def test_a_sweep_that_is_stopped_saves_and_goes_on(tmp_path: Path, sent: str, times: int, group: bool) -> None:
    """At whatever moment: the signal comes when the first job has logged."""
    folder, slow = tmp_path / "stopped", json.dumps([{"when": [], "how": "slow"}])
    overrides = ["trainer.limit_train_batches=40", "seed=0,1", "trainer.log_every_n_steps=2"]
    process = subprocess.Popen(
        [sys.executable, *command(folder, *overrides)],
        cwd=ROOT,
        env=os.environ | {"SABOTAGE": slow},
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: list(folder.glob("*/images/*0000.png")))
    time.sleep(1.0)
    signum = signal.Signals[f"SIG{sent}"]
    for _ in range(times):
        os.killpg(process.pid, signum) if group else os.kill(process.pid, signum)
    screen, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signum
    assert statuses(folder) == {"seed=0": "interrupted", "seed=1": "planned"}
    assert f"stopped by SIG{sent}" in screen
    assert "the same command goes on with those that are not done" in screen
    saved = next(folder.glob("*/checkpoints/last.ckpt"))
    assert nobody_is_left(folder)
    rows = (saved.parents[1] / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) > 1
    again = sweep(folder, *overrides)
    assert again.returncode == 0
    assert statuses(folder) == {"seed=0": "completed", "seed=1": "completed"}
    assert "going on from" in again.stdout


def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [threads_each(n) for n in (1, 2, 3, 8, 20)] == [None, 4, 2, 1, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_each(4) is None
