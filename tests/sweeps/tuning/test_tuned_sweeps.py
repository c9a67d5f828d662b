"""Tuned sweeps for real: one command tunes, goes on where it was stopped, trains the reported seeds, and reports."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.project import ROOT, TINY, run_command
from helpers.sweeping import TINIEST, command, statuses, summaries, sweep, wait_for
from hourglass.report import read
from hourglass.report.analysis.review import review
from hourglass.runs.read import read_sweep, summary_of

TUNED = (
    *TINIEST, "channels=[4]", "data.eval_batch_size=50", "callbacks.checkerboards.images=8",
    "callbacks.image_grids.count=1", "callbacks.health.images=8", "trainer.enable_progress_bar=false",
    "decoder=resize,transpose", "seed=0,1", "tuning.seeds=[7,8]", "tuning.extensions=1",
)  # fmt: skip


def metric(folder: Path, given: dict[str, str]) -> float:
    """Mean val/mse of the tuning runs with these overrides."""
    jobs = read_sweep(folder)["jobs"].items()
    wanted = {f"{key}={value}" for key, value in given.items()} | {"reported=false"}
    values = [
        summary_of(folder / job)["metrics"]["val/mse"] for job, entry in jobs if wanted <= set(entry["overrides"])
    ]
    assert len(values) == 2
    return sum(values) / 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned") / "sweep"
    done = sweep(folder, *TUNED, "tune.optimizer.lr=choice(0.0025,0.005)", "report=true")
    (folder / "screen.txt").write_text(done.stdout + done.stderr + f"exit {done.returncode}", encoding="utf-8")
    return folder


@pytest.mark.slow
def test_each_configuration_is_reported_with_the_best_of_its_own_curve(folder: Path) -> None:
    screen = (folder / "screen.txt").read_text(encoding="utf-8")
    assert screen.endswith("exit 0"), screen
    jobs = {job: set(entry["overrides"]) for job, entry in read_sweep(folder)["jobs"].items()}
    tried = {
        o
        for overrides in jobs.values()
        for o in overrides
        if o.startswith("optimizer.lr=") and "reported=false" in overrides
    }
    assert {"optimizer.lr=0.0025", "optimizer.lr=0.005", "optimizer.lr=0.01"} <= tried  # two steps: larger is better
    for decoder in ("resize", "transpose"):
        means = {
            lr: metric(folder, {"decoder": decoder, "optimizer.lr": lr}) for lr in (o.split("=")[1] for o in tried)
        }
        reported = [o for o in jobs.values() if f"decoder={decoder}" in o and "reported=false" not in o]
        assert len(reported) == 2
        assert all(f"optimizer.lr={min(means, key=means.__getitem__)}" in overrides for overrides in reported)
    assert "is at the higher edge of the grid: 0.01 is tried too" in screen
    assert f"  4 jobs: 4 completed\n  after {len(jobs) - 4} tuning jobs: {len(jobs) - 4} completed" in screen
    (invocation,) = read_sweep(folder)["invocations"]
    assert set(invocation["jobs"]) == set(jobs)
    assert invocation["tuning"] == {"keys": ["optimizer.lr"], "seeds": [7, 8], "metric": "val/mse"}


@pytest.mark.slow
def test_the_report_pools_no_tuning_run(folder: Path) -> None:
    sweep = read(folder)
    assert len(sweep.runs) == 4
    assert {run.seed for run in sweep.runs} == {0, 1}
    assert {run.seed for run in sweep.tuning.runs} == {7, 8}
    assert sweep.varied == ["decoder"]
    tuned = review(sweep).tuned
    assert tuned
    assert set(tuned.again["value"]) >= {"0.0025", "0.005", "0.01"}
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "## Tuning" in text
    assert tuned.sentences[0] in text
    assert (folder / "report.html").exists()
    (folder / "sweep.json").rename(folder / "kept.json")
    assert {run.seed for run in read(folder).runs} == {0, 1}  # the runs themselves say what they are for
    (folder / "kept.json").rename(folder / "sweep.json")


@pytest.mark.slow
def test_the_same_command_trains_nothing_again(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/summary.json")}
    done = sweep(folder, *TUNED, "tune.optimizer.lr=choice(0.0025,0.005)")
    assert done.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/summary.json")} == before


@pytest.mark.slow
def test_stopped_while_it_tunes_it_goes_on(tmp_path: Path) -> None:
    folder, slow = tmp_path / "stopped", json.dumps([{"when": ["seed=8"], "how": "slow"}])
    overrides = [
        *TUNED,
        "tune=[optimizer.lr]",
        "tuning.extensions=0",
        "trainer.limit_train_batches=20",
        "decoder=resize",
    ]
    overrides = [
        o
        for o in overrides
        if o not in ("decoder=resize,transpose", "trainer.limit_train_batches=2", "tuning.extensions=1")
    ]
    process = subprocess.Popen(
        [sys.executable, *command(folder, *overrides)],
        cwd=ROOT, env=os.environ | {"SABOTAGE": slow}, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(
        lambda: (
            any(ended == "completed" for ended in statuses(folder).values())
            if (folder / "sweep.json").exists()
            else False
        )
    )
    os.kill(process.pid, signal.SIGTERM)
    screen, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "the same command goes on with those that are not done" in screen
    assert not any("reported=false" not in job["overrides"] for job in read_sweep(folder)["jobs"].values())
    done = sweep(folder, *overrides)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(statuses(folder).values()) == {"completed"}
    reported = [job for job in read_sweep(folder)["jobs"].values() if "reported=false" not in job["overrides"]]
    assert len(reported) == 2


@pytest.mark.slow
def test_a_value_that_diverges_is_not_chosen_and_jobs_may_run_at_once(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    given = [o for o in TUNED if not o.startswith(("tuning.extensions", "trainer.limit_train", "decoder="))]
    done = sweep(
        tmp_path / "s", *given, "decoder=resize", "trainer.limit_train_batches=12", "model.output=identity",
        "tune.optimizer.lr=choice(0.00001,0.01,1e30)", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr  # that tuning jobs diverge is what they are for
    assert "2 jobs: 2 completed\n  after 6 tuning jobs: 4 completed, 2 diverged" in done.stdout
    reported = [name for name, one in summaries(tmp_path / "s").items() if one["seed"] in (0, 1)]
    assert len(reported) == 2
    assert all("optimizer.lr=0.01" in name for name in reported)


@pytest.mark.slow
def test_budgets_are_runs_of_their_own_length_validated_at_their_end(tmp_path: Path) -> None:
    given = [o for o in TINY if not o.startswith(("trainer.max_epochs", "trainer.limit_train"))]
    folder = tmp_path / "budgets"
    done = run_command(
        "train.py", "-m", f"hydra.sweep.dir={folder}", "sweep=test", *given, "trainer.limit_train_batches=4",
        "budgets=[3,6]", "trainer.log_every_n_steps=1",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    runs = sorted(read(folder).runs, key=lambda run: run.config["trainer.max_steps"])
    for run, steps in zip(runs, (3, 6), strict=True):
        table = run.history()
        assert table.dropna(subset=["val/mse"])["step"].tolist() == [steps - 1]
        rates = table["lr-Adam"].dropna().to_numpy()  # a schedule of its own, from lr to nearly 0
        assert rates[0] == pytest.approx(0.005)
        assert rates[-1] < 0.3 * rates[0]
