"""One run on several nodes, each a torchrun of its own on this machine: what one node with as many devices trains."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers import nodes
from helpers.project import TINY, run_command, run_train
from helpers.sweeping import wait_for
from hourglass.runs.read import read_summary
from hourglass.runs.status import status_of

LONG = (*(o for o in TINY if not o.startswith(("trainer.max_epochs", "logger"))), "trainer.max_epochs=24")


def steps(folder: Path) -> int:
    """Rows of metrics.csv"""
    path = folder / "metrics.csv"
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


@pytest.mark.slow
def test_two_nodes_train_what_one_does_whichever_of_them_is_killed(tmp_path: Path) -> None:
    folder, offline = tmp_path / "two", {"WANDB_MODE": "offline"}
    with ExitStack() as stack:
        first, second = nodes.start(stack, folder, *LONG, **offline)
        wait_for(lambda: steps(folder) > 4)
        second.kill()
        assert first.ends() == 1
    assert (
        "Disconnected: another process of this run has ended, or its node: see what it printed; the same"
        in first.output
    )
    assert status_of(folder) == "interrupted"
    before = steps(folder)
    with ExitStack() as stack:
        first, second = nodes.start(stack, folder, *LONG, **offline)
        wait_for(lambda: steps(folder) > before + 4)
        first.kill()
        assert second.ends() == 1
    assert "Disconnected" in second.output
    assert status_of(folder) == "interrupted"
    with ExitStack() as stack:
        first, second = nodes.start(stack, folder, *LONG, **offline)
        assert (first.ends(), second.ends()) == (0, 0), first.output + second.output
    assert "going on from" in first.output
    assert second.output == ""
    whole = run_train(tmp_path / "one", *LONG, "trainer=ddp", "trainer.devices=2", **offline)
    assert whole.returncode == 0, whole.stderr
    one, two = (read_summary(path) or {} for path in (tmp_path / "one", folder))
    assert two["metrics"] == one["metrics"]
    assert (two["hardware"]["devices"], two["status"]) == (2, "completed")
    assert (folder / "metrics.csv").read_bytes() == (tmp_path / "one" / "metrics.csv").read_bytes()
    assert {path.name for path in folder.iterdir()} == {path.name for path in (tmp_path / "one").iterdir()}
    runs = {path.name.rpartition("-two-")[2] for path in folder.glob("wandb/offline-run-*")}
    assert runs == {two["id"]}  # offline, each resumption is a part of the one run


@pytest.mark.slow
def test_what_one_node_refuses_ends_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    commands = nodes.on_the_page(nodes.free_port(), folder)
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(nodes.Node([*command, *TINY, f"seed={rank}"], tmp_path / f"{rank}.txt"))
            for rank, command in enumerate(commands)
        )
        assert (first.ends(), second.ends()) == (1, 1)
    for node in (first, second):
        assert "give every node the same command" in node.output
    assert not folder.exists()


def test_a_folder_that_the_processes_know_is_asked_for(tmp_path: Path) -> None:
    done = run_command("train.py", RANK="0", LOCAL_RANK="0", WORLD_SIZE="2")
    assert done.returncode == 1
    assert "name it, as in hydra.run.dir=logs/runs/first" in done.stderr


@pytest.mark.slow
def test_several_nodes_are_started_from_outside(tmp_path: Path) -> None:
    done = run_train(tmp_path / "alone", *TINY, "trainer=ddp", "trainer.num_nodes=2")
    assert done.returncode == 1
    assert "trainer.num_nodes=2: start one run on several nodes with torchrun or srun" in done.stderr
    assert not (tmp_path / "alone").exists()
