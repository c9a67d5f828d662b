"""Sweeps on a Ray cluster of two nodes on this machine, one of which is lost."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.nodes import free_port
from helpers.pages import blocks
from helpers.project import ROOT, run_command, run_train
from helpers.sweeping import TINIEST, names, summaries, wait_for
from hourglass.runs.read import read_summary

pytestmark = pytest.mark.slow
SHORTER = ("sweep=", "search.trials=")
"""What the tests choose otherwise than the page"""
QUIET = ("report=false", "trainer.enable_progress_bar=false")


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    pytest.importorskip("ray")
    from helpers.ray_cluster import cluster

    with cluster() as one:
        yield one


def on_the_page(sweeper: str, address: str, folder: Path) -> list[str]:
    """The command of docs/clusters.md for a sweep, or a search, on a cluster, with this one's address and folder."""
    commands = [shlex.split(line) for code in blocks("docs/clusters.md", "bash") for line in
                code.replace("\\\n", "").splitlines() if "hydra/launcher=ray" in line]  # fmt: skip
    (command,) = (command for command in commands if sweeper in command)
    assert "hydra.launcher.address=head:6379" in command
    words = [word.replace("head:6379", address) for word in command[1:] if not word.startswith(SHORTER)]
    return [*words, f"hydra.sweep.dir={folder}", f"sweep={folder.name}", *QUIET]


def test_jobs_of_a_node_that_is_lost_are_started_again_and_end_as_if_nothing_had_been(
    two_nodes: Any, tmp_path: Path
) -> None:
    folder, grid = tmp_path / "first", (*TINIEST[1:], "trainer.max_epochs=20")
    command = [*on_the_page("-m", two_nodes.address, folder), *grid]
    with (tmp_path / "screen.txt").open("w", encoding="utf-8") as screen:
        sweep = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=screen, stderr=screen)
        try:
            wait_for(lambda: len(list(folder.glob("*/checkpoints/last.ckpt"))) >= 2 or sweep.poll() is not None)
            two_nodes.kill(1)
            assert sweep.wait(400) == 0, (tmp_path / "screen.txt").read_text(encoding="utf-8")
        finally:
            sweep.kill()
            sweep.wait()
    assert "4 jobs: 4 completed" in (tmp_path / "screen.txt").read_text(encoding="utf-8")
    lost = [path.parent for path in folder.glob("*/train.log") if "going on from" in path.read_text(encoding="utf-8")]
    assert len(lost) == 1
    whole = run_train(tmp_path / "whole", *names(folder)[lost[0].name].split(), *grid, *QUIET[1:])
    assert whole.returncode == 0, whole.stderr
    one, again = (read_summary(path) or {} for path in (tmp_path / "whole", lost[0]))
    assert (again["id"], again["metrics"]) == (one["id"], one["metrics"])


def test_a_search_runs_there_too(two_nodes: Any, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    folder = tmp_path / "searched"
    done = run_command(*on_the_page("search=optuna", two_nodes.address, folder), "search.trials=2", *TINIEST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "best of 2 trials" in done.stdout
    assert [summary["status"] for summary in summaries(folder).values()] == ["completed"] * 2


def test_a_cluster_that_is_not_there_or_too_small_is_one_sentence(two_nodes: Any, tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    done = run_command(*on_the_page("-m", nowhere, tmp_path / "nowhere"))
    assert done.returncode == 1
    assert f"ConfigError: no Ray answers at hydra.launcher.address={nowhere}: start it there" in done.stderr
    asked = "hydra.launcher.gpus_per_job=1"
    done = run_command(*on_the_page("-m", two_nodes.address, tmp_path / "small"), asked)
    assert done.returncode == 1
    assert "ConfigError: no machine of this Ray has 1 CPUs and 1 GPUs for a job: ask for less" in done.stderr
