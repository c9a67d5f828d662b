"""Searches for real: `search=optuna` trains, is killed, goes on, and gives up on bad trials."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.project import ROOT, run_command
from helpers.searching import finished, optuna
from helpers.sweeping import TINIEST
from hourglass.runs.read import read_sweep
from hourglass.runs.status import status_of
from hourglass.sweeps.search.study import storage

QUICK = (*TINIEST[1:], "encoder=maxpool")


@pytest.mark.slow
def test_a_real_search_killed_and_continued_loses_no_finished_trial(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    chosen = ("search=optuna", "search.trials=4", f"hydra.sweep.dir={folder}", "sweep=mine")
    command = ("train.py", *chosen, "trainer.max_epochs=1", *QUICK)
    child = in_background(*command)
    deadline = time.monotonic() + 120
    while sum(status_of(path.parent) == "completed" for path in folder.glob("*/summary.json")) < 3:
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    before = finished(folder)
    done = run_command(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert finished(folder)[: len(before)] == before
    study = optuna.load_study(study_name=None, storage=storage(folder))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4
    summaries = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/summary.json")]
    assert {s["metrics"]["val/loss"] for s in summaries} == {trial.value for trial in study.trials}
    assert "best of 4 trials" in done.stdout
    assert read_sweep(folder)["jobs"].keys() == {summary["id"] for summary in summaries}


def in_background(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_a_bad_trial_is_given_up_for_real(tmp_path: Path) -> None:
    """A learning rate of 1e-8 learns nothing, and the two good trials before have shown how it is done."""
    folder = tmp_path / "mine"
    done = run_command(
        *("train.py", "search=optuna", "search.trials=6", "search.random_trials=6"),
        *(f"hydra.sweep.dir={folder}", "sweep=mine"),
        *("search.pruning.after_trials=2", "search.pruning.after_epochs=1", *QUICK, "trainer.max_epochs=3"),
        *("decoder=resize", "channels=[8]", "optimizer.lr=choice(1e-8,0.02)"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    study = optuna.load_study(study_name=None, storage=storage(folder))
    ends = {trial.params["optimizer.lr"]: trial.state.name for trial in study.trials}
    assert ends["0.02"] == "COMPLETE"
    statuses = {json.loads(path.read_text(encoding="utf-8"))["status"] for path in folder.glob("*/summary.json")}
    assert statuses <= {"completed", "pruned"}
