"""Sweeps on a real SLURM of two nodes on this machine: cancelled, requeued, out of time, on a node that dies, refused.

It has no accounting, as many a cluster. Each test is skipped, with the reason, where SLURM is not installed.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from helpers.pages import blocks
from helpers.project import ROOT, run_command
from helpers.slurm import Cluster, Unavailable, cluster
from helpers.sweeping import TINIEST, statuses, summaries, wait_for

pytestmark = pytest.mark.slow
SMALL = (
    "hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=1",
    "hydra.launcher.timeout_min=30", *TINIEST[1:], "report=false",
)  # fmt: skip
ENDLESS = "trainer.max_epochs=100000"


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Cluster]:
    pytest.importorskip("submitit")
    with ExitStack() as stack:
        try:
            one = stack.enter_context(cluster())
        except Unavailable as reason:
            pytest.skip(f"no SLURM here: {reason}")
        yield one


@pytest.fixture
def slurm(two_nodes: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """With both nodes idle, and the environment in which its commands find it."""
    for name, value in two_nodes.environment.items():
        monkeypatch.setenv(name, value)
    two_nodes.clear()
    yield two_nodes
    two_nodes.clear()


class Command:
    """`python train.py -m …` that runs beside the test; killed at the end if it still does."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.log = folder.parent / f"{folder.name}-{len(list(folder.parent.glob('*.txt')))}.txt"
        with self.log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                [sys.executable, *arguments(folder, *overrides)], cwd=ROOT, stdout=file, stderr=file
            )

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def prints(self, text: str) -> None:
        """Wait until it has."""
        wait_for(lambda: text in self.output or self.ended)
        assert text in self.output, self.output

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None


def arguments(folder: Path, *overrides: str) -> list[str]:
    given = {override.split("=")[0] for override in overrides}
    small = [override for override in SMALL if override.split("=")[0] not in given]
    return ["train.py", "-m", f"hydra.sweep.dir={folder}", f"sweep={folder.name}", *small, *overrides]


def submitted(folder: Path) -> dict[str, str]:
    """id in SLURM -> id, of every job that was submitted"""
    path = folder / ".submitit" / "jobs.json"
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return known


def trained(folder: Path, jobs: int) -> bool:
    """Have so many jobs saved a checkpoint?"""
    return len(list(folder.glob("*/checkpoints/last.ckpt"))) == jobs


def steps(folder: Path) -> list[int]:
    lines = (folder / "metrics.csv").read_text(encoding="utf-8").splitlines()
    return [int(line.split(",")[0]) for line in lines[1:] if line.endswith(tuple("0123456789"))]


def on_the_page() -> list[str]:
    """The overrides of the sweep that docs/clusters.md goes through, but for its name."""
    (block,) = (block for block in blocks("docs/clusters.md", "bash") if "submitit_slurm" in block and "-m" in block)
    dry, plain = (shlex.split(line) for line in block.replace("\\\n", "").splitlines())
    assert dry == [*plain, "--dry-run"]
    return [word for word in plain[3:] if not word.startswith("sweep=")]


def test_the_same_command_waits_for_jobs_whose_own_was_killed(slurm: Cluster, tmp_path: Path) -> None:
    folder, grid = tmp_path / "first", (*on_the_page(), "trainer.max_epochs=1")
    with Command(folder, *grid) as first:
        wait_for(lambda: len(submitted(folder)) == 4)
        with Command(folder, *grid) as second:
            second.prints("in the queue already")
            first.process.kill()
            wait_for(lambda: second.ended, 480)
    assert "4 jobs: 4 completed" in second.output
    again = run_command(*arguments(folder, *grid))
    assert again.returncode == 0
    assert "4 jobs: 4 completed" in again.stdout
    for output in (second.output, again.stdout + again.stderr):
        assert not re.search("submitted|sacct|Warning|Traceback", output), output
    assert len(submitted(folder)) == 4
    assert re.search(r"submitted 4 jobs as \d+, no GPUs; Ctrl-C ends the waiting, scancel \d+ the jobs", first.output)


def test_jobs_are_cancelled_one_and_all(slurm: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "cancelled"
    with Command(folder, "seed=range(0,3)", ENDLESS) as sweep:
        wait_for(lambda: trained(folder, 2))
        assert re.search(r"SLURM: 2 running, 1 pending \(\w+\)", sweep.output)
        jobs = {identity: job for job, identity in submitted(folder).items()}
        one = next(folder.glob("*/checkpoints/last.ckpt")).parents[1].name
        slurm.command("scancel", jobs[one])
        wait_for(lambda: list(statuses(folder).values()).count("interrupted") == 1)
        assert len(slurm.queue()) >= 2
        slurm.command("scancel", jobs[one].split("_")[0])
        wait_for(lambda: sweep.ended)
    assert sweep.process.returncode == 1
    assert re.search(r"3 jobs ended as CANCELLED, the first of them seed=0; its messages: \S+_log.err", sweep.output)
    assert "the same command goes on with those that are not done" in sweep.output
    assert set(statuses(folder).values()) <= {"interrupted", "planned"}


def test_requeued_jobs_and_those_of_a_dead_node_end_as_if_nothing_had_been(slurm: Cluster, tmp_path: Path) -> None:
    folder, grid = tmp_path / "accidents", ("seed=0,1", "trainer.max_epochs=40")
    with Command(folder, *grid) as sweep:
        wait_for(lambda: trained(folder, 2))
        lines = slurm.command("squeue", "--noheader", "--array", "--format=%N %i").splitlines()
        jobs = dict(line.split() for line in lines)
        slurm.kill_node("n2")
        slurm.command("scontrol", "requeue", jobs["n1"])
        wait_for(lambda: slurm.do_not_delay() or sweep.ended, 480)
    assert "2 jobs: 2 completed" in sweep.output, sweep.output
    assert "pending" in sweep.output.split("2 running", 1)[1]
    whole = tmp_path / "whole"
    run_command("train.py", "-m", f"hydra.sweep.dir={whole}", "sweep=accidents", *grid, *TINIEST[1:], "report=false")
    assert metrics(folder) == metrics(whole)


def metrics(folder: Path) -> dict[str, Any]:
    return {name: summary["metrics"] for name, summary in summaries(folder).items()}


def test_a_job_that_runs_out_of_time_goes_on_from_its_checkpoint(slurm: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "time"
    limits = ("hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=5")
    with Command(folder, "seed=0", ENDLESS, *limits):
        wait_for(lambda: trained(folder, 1))
        (run,) = (path.parents[1] for path in folder.glob("*/checkpoints/last.ckpt"))
        (log,) = folder.glob(".submitit/*/*_log.out")
        wait_for(lambda: slurm.do_not_delay() or log.read_text(encoding="utf-8").count("Loading pickle") == 2)
        before = steps(run)
        wait_for(lambda: len(steps(run)) > len(before))
        after = steps(run)
    assert before
    assert after == sorted(set(after))
    text = log.read_text(encoding="utf-8")
    assert "Job has timed out" in text
    assert "Requeued job" in text


def test_what_sbatch_refuses_is_one_sentence(slurm: Cluster, tmp_path: Path) -> None:
    done = run_command(*arguments(tmp_path / "refused", "seed=0,1", "hydra.launcher.gpus_per_node=1"))
    assert done.returncode == 1
    assert re.search(r"SLURM refuses the jobs: .*\. Change .*hydra\.launcher\.gpus_per_node \(now 1\)", done.stderr)
    assert len(done.stderr.strip().splitlines()) == 2  # the sentence, and where to find more
    assert slurm.queue() == {}


def test_jobs_that_can_never_start_are_told_of_and_outlive_ctrl_c(slurm: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "never"
    with Command(folder, "seed=0,1", "hydra.launcher.cpus_per_task=64") as sweep:
        sweep.prints("they will wait for ever: scancel")
        assert "hydra.launcher.cpus_per_task" in sweep.output
        os.kill(sweep.process.pid, signal.SIGINT)
        assert sweep.process.wait(30) == 130
    assert len(slurm.queue()) == 2


def test_one_run_on_both_nodes_outlives_one_of_them(slurm: Cluster, tmp_path: Path, monkeypatch: Any) -> None:
    """The script of the page; names of nodes have no address here, so the first one's is given."""
    (script,) = (block for block in blocks("docs/clusters.md", "bash") if "--ntasks-per-node" in block)
    folder, more = (
        tmp_path / "two",
        " ".join([*TINIEST[1:], "trainer.max_epochs=20", "trainer.enable_progress_bar=false"]),
    )
    here = {"srun python": f"srun {sys.executable}", "logs/runs/two": f"{folder} {more}", "two.log": f"{folder}.log"}
    for there, ours in here.items():
        assert script.count(there) == 1
        script = script.replace(there, ours)
    path = tmp_path / "two.sh"
    path.write_text(script, encoding="utf-8")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    submit = ("sbatch", "--parsable", f"--chdir={ROOT}", str(path))
    job = slurm.command(*submit).strip()
    wait_for(lambda: (folder / "metrics.csv").exists() and len(steps(folder)) > 4)
    slurm.kill_node("n2")
    wait_for(lambda: slurm.queue().get(job) != "RUNNING")
    slurm.start_node("n2")
    slurm.wait(slurm.idle)  # else it ends, as what is left of the job, what it is to start again
    time.sleep(5)  # and on a slow machine it may do so yet: then the script is submitted again, as the page says
    wait_for(lambda: slurm.do_not_delay() or not slurm.queue(), 480)
    if "going on from" not in Path(f"{folder}.log").read_text(encoding="utf-8"):
        slurm.command(*submit)
        wait_for(lambda: not slurm.queue(), 480)
    log = Path(f"{folder}.log").read_text(encoding="utf-8")
    assert "going on from" in log, log
    whole = run_command(
        "train.py", f"hydra.run.dir={tmp_path / 'whole'}", *more.split(), "trainer=ddp", "trainer.devices=2"
    )
    assert whole.returncode == 0, whole.stderr
    one, two = (
        json.loads((path / "summary.json").read_text(encoding="utf-8")) for path in (tmp_path / "whole", folder)
    )
    assert two["metrics"] == one["metrics"]
