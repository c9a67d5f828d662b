"""Two processes on the CPU do what one does."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from helpers.project import TINY, nobody_is_left, run_command, run_train
from hourglass.runs.read import read_summary

QUICK = ("trainer.max_epochs=2", "trainer.limit_train_batches=10", "trainer.enable_progress_bar=false", "logger=none")


@pytest.mark.slow
def test_two_processes_see_the_same_batches_corruption_and_images(tmp_path: Path) -> None:
    one = run_train(tmp_path / "one", *QUICK, "model=denoising", "trainer=cpu")
    two = run_train(
        tmp_path / "two", *QUICK, "model=denoising", "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"
    )
    assert one.returncode == two.returncode == 0, two.stdout + two.stderr
    first, second = (
        json.loads((tmp_path / name / "summary.json").read_text(encoding="utf-8")) for name in ("one", "two")
    )
    # the noisy input's own PSNR: same corruption, and every one of the 500 images counted once
    assert first["metrics"]["test/psnr_input"] == pytest.approx(second["metrics"]["test/psnr_input"], abs=1e-5)
    # the same global batches: the weights agree but for the order of floating-point sums
    for name in ("test/mse", "val/loss", "test/ssim", "test/psnr_per_image"):
        assert first["metrics"][name] == pytest.approx(second["metrics"][name], rel=1e-3), name
    assert two.stdout.count("test      MSE") == 1
    files = {name: {path.name for path in (tmp_path / name).iterdir()} for name in ("one", "two")}
    assert files["one"] == files["two"]


def summary_of(folder: Path) -> dict[str, Any]:
    summary = read_summary(folder)
    assert summary is not None
    return summary


def summaries_in(folder: Path) -> list[dict[str, Any]]:
    """Of the jobs of a sweep."""
    return [summary_of(path) for path in folder.glob("????????")]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict]:
    """The summaries of a run on one device and of the same on two, each started singly."""
    summaries = {}
    for devices in (1, 2):
        folder = tmp_path_factory.mktemp("alone") / str(devices)
        done = run_train(folder, *TINY, f"trainer.devices={devices}")
        assert done.returncode == 0, done.stderr
        summaries[devices] = summary_of(folder)
    return summaries


@pytest.mark.slow
@pytest.mark.parametrize("order", ["2,1", "1,2"])
def test_a_sweep_over_device_counts_is_right_in_any_order(tmp_path: Path, order: str, alone: dict[int, dict]) -> None:
    """Stock Lightning trains the second job on half the data with one process, or dies: facts of `-m`."""
    folder = tmp_path / "mixed"
    done = run_command("train.py", "-m", f"hydra.sweep.dir={folder}", *TINY, f"trainer.devices={order}", "sweep=x")
    assert done.returncode == 0, done.stdout + done.stderr
    summaries = {s["hardware"]["devices"]: s for s in summaries_in(folder)}
    assert set(summaries) == {1, 2}
    for devices, summary in summaries.items():
        assert summary["metrics"] == alone[devices]["metrics"]
        assert summary["id"] == alone[devices]["id"]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == sorted(
        s["id"] for s in summaries.values()
    )
    assert nobody_is_left(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rank", "how", "reason"),
    [
        (1, "raise", "rank 1: MemoryError: out of memory, as the test wants it"),
        pytest.param(0, "raise", "MemoryError: out of memory, as the test wants it", marks=pytest.mark.slow),
        pytest.param(1, "kill", "rank 1: its process was killed by SIGKILL: out of memory?", marks=pytest.mark.slow),
        pytest.param(0, "kill", "its process was killed by SIGKILL: out of memory?", marks=pytest.mark.slow),
    ],
)
def test_a_rank_that_fails_ends_its_job_and_no_other(tmp_path: Path, rank: int, how: str, reason: str) -> None:
    folder, start = tmp_path / "failing", time.monotonic()
    done = run_command(
        "tests/helpers/sabotaged_train.py", "-m", f"hydra.sweep.dir={folder}", "sweep=x", *TINY, "trainer.devices=2",
        "seed=0,1", SABOTAGE=json.dumps([{"when": ["seed=0"], "rank": rank, "how": how}]), timeout=180,
    )  # fmt: skip
    assert done.returncode == 1
    summaries = {s["seed"]: s for s in summaries_in(folder)}
    assert (summaries[0]["status"], summaries[0]["error"]) == ("failed", reason)
    assert summaries[1]["status"] == "completed"
    assert nobody_is_left(folder)
    assert time.monotonic() - start < 120


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_is_told_to_stop_before_the_first_batch_stops_its_job(tmp_path: Path, rank: int) -> None:
    """There Lightning's own handler would wait for the other rank, and that for this one."""
    folder = tmp_path / "stopped"
    done = run_command(
        "tests/helpers/sabotaged_train.py", "-m", f"hydra.sweep.dir={folder}", "sweep=x", *TINY, "trainer.devices=2",
        "seed=0,1", SABOTAGE=json.dumps([{"when": ["seed=0"], "rank": rank, "how": "term"}]), timeout=180,
    )  # fmt: skip
    assert done.returncode == 1
    summaries = {s["seed"]: s for s in summaries_in(folder)}
    assert summaries[0]["status"] == "interrupted"
    assert "stopped by SIGTERM; the same command continues it" in summaries[0]["error"]
    assert summaries[1]["status"] == "completed"
    assert nobody_is_left(folder)


def test_a_sweep_is_not_started_by_torchrun(tmp_path: Path) -> None:
    done = run_command("train.py", "-m", "seed=0,1", f"hydra.sweep.dir={tmp_path}", LOCAL_RANK="0")
    assert done.returncode == 1
    assert "start a sweep once, without torchrun or srun" in done.stderr
