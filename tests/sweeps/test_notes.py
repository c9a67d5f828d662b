"""What one job of a sweep has learned the next ones know, in whatever processes a launcher runs them."""

import pickle
import re
from pathlib import Path

import pytest

from helpers.fake_wandb import FakeWandb
from helpers.project import TINY, run_command
from hourglass.cli.sweep import Job
from hourglass.core.signals import SweepStop
from hourglass.sweeps.sweep import Sweep


def received(sweep: Sweep) -> Sweep:
    """As a process has it that a launcher has sent a job to."""
    job: Job = pickle.loads(pickle.dumps(Job(sweep)))
    return job.sweep


def test_jobs_that_come_to_one_process_share_what_they_learn(tmp_path: Path) -> None:
    sent = Sweep(tmp_path, 0, None, 1, SweepStop(tmp_path / ".stop-0"))
    first = received(sent)
    assert first == sent
    first.notes.messages.add("said before")
    first.notes.wandb_unreachable = True
    first.seconds["0123abcd"] = 2.0
    assert received(sent) is first
    other = received(Sweep(tmp_path, 1, None, 1, SweepStop(tmp_path / ".stop-1")))
    assert (other.invocation, other.notes.messages, other.seconds) == (1, set(), {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "package"),
    [("joblib", "hydra_plugins.hydra_joblib_launcher"), ("submitit_local", "submitit"), ("ray", "ray")],
)
def test_a_server_that_refuses_is_asked_once_a_process(tmp_path: Path, launcher: str, package: str) -> None:
    pytest.importorskip(package)
    wandb = ("logger=wandb", "logger.wandb.init_timeout=3", "logger.wandb.finish_timeout=3")
    chosen = (f"hydra/launcher={launcher}", "hydra.launcher.n_jobs=2", f"hydra.sweep.dir={tmp_path / 'mine'}")
    tiny = [override for override in TINY if not override.startswith("logger")]
    with FakeWandb("refuse") as fake:
        done = run_command("train.py", "-m", "seed=range(5)", *chosen, "sweep=mine", *wandb, *tiny, **fake.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 jobs: 5 completed" in done.stdout
    processes = 5 if launcher == "submitit_local" else 2  # one task, one process
    assert 1 <= fake.calls.count("RunResumeStatus") <= processes
    screen = done.stdout + done.stderr
    assert len(re.findall("W&B cannot be reached", screen)) <= processes
    assert len(list((tmp_path / "mine").glob("*/wandb/offline-run-*"))) == 5
