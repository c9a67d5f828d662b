"""The wheels of hourglass and of `examples/mylab`, side by side in a fresh environment: every command, on its parts."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from helpers.environments import Environment, wheel_of
from helpers.project import ROOT

pytestmark = pytest.mark.slow
SEARCH = "hydra.searchpath=[pkg://mylab.conf]"
PARTS = (SEARCH, "experiment=mylab")
TINY = (
    "trainer.max_epochs=1", "trainer.limit_train_batches=6", "trainer.accelerator=cpu", "logger=none", "channels=[4]",
    "baselines=null", "trainer.enable_progress_bar=false", "checkpoint_every=2", "trainer.log_every_n_steps=2",
)  # fmt: skip
TRUST = "trust=[mylab]"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("fresh"))
    for project in (ROOT, ROOT / "examples" / "mylab"):
        made.install(wheel_of(project, tmp_path_factory.mktemp("wheel")))
    return made


@pytest.fixture(scope="module")
def place(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, with a space in its name, in which a run has been completed."""
    folder = tmp_path_factory.mktemp("work") / "my lab"
    folder.mkdir()
    done = environment.run("hourglass", "train", *PARTS, *TINY, "hydra.run.dir=run", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  next")]
    (folder / "next").write_text(line.split(maxsplit=1)[1], encoding="utf-8")
    return folder


def summary_of(folder: Path) -> dict:
    content: dict = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return content


def test_a_run_says_where_its_parts_are_from_and_what_they_log(place: Path) -> None:
    summary = summary_of(place / "run")
    assert summary["versions"]["mylab"] == "0.1.0"
    assert summary["measures"]["edge_error"]["better"] == "lower"
    assert {"test/edge_error", "test/used_levels", "test/features", "test/code_std"} <= summary["metrics"].keys()


def test_a_killed_run_ends_with_the_bits_of_one_that_never_was(environment: Environment, place: Path) -> None:
    more = ("trainer.max_epochs=6",)
    for folder in ("whole", "killed"):
        command = [*PARTS, *TINY[1:], *more, f"hydra.run.dir={folder}"]
        program = [str(environment.folder / "bin" / "hourglass"), "train", *command]
        process = subprocess.Popen(program, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if folder == "killed":
            until = time.monotonic() + 120
            while not (place / folder / "checkpoints" / "last.ckpt").exists() and time.monotonic() < until:
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
        process.wait(240)
    assert summary_of(place / "killed")["status"] == "running"  # it could not say another word
    refused = environment.run("hourglass", "train", "resume=killed", cwd=place)
    assert (refused.returncode, TRUST in refused.stderr) == (1, True), refused.stderr
    done = environment.run("hourglass", "train", "resume=killed", TRUST, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / "killed" / "metrics.csv").read_bytes() == (place / "whole" / "metrics.csv").read_bytes()


def test_it_is_evaluated_and_reconstructs_and_loads(environment: Environment, place: Path) -> None:
    done = environment.run("hourglass", "evaluate", "run=run", TRUST, "corruption=gaussian", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = (json.loads(path.read_text()) for path in (place / "run" / "evaluations").glob("*.json"))
    assert record["metrics"]["test/edge_error"] > summary_of(place / "run")["metrics"]["test/edge_error"] / 10
    Image.effect_noise((40, 30), 50).save(place / "a picture.png")
    done = environment.run(
        "hourglass", "reconstruct", "run=run", "images=a picture.png", "out=the results", TRUST, cwd=place
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / "the results" / "a picture.png").exists()
    code = "import hourglass; print(hourglass.load_run('run', trust=['mylab']).image_shape)"
    assert environment.run("python", "-c", code, cwd=place).stdout.strip() == "(1, 28, 28)"


def test_the_next_line_is_a_sweep_that_runs_as_it_stands_and_is_reported(environment: Environment, place: Path) -> None:
    line = (place / "next").read_text(encoding="utf-8")
    assert line.startswith(f"hourglass train -m '{SEARCH}' decoder=bicubic,resize experiment=mylab")
    path = f"{environment.folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"{line} sweep=small"],
        cwd=place,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    done = environment.run("hourglass", "report", "logs/sweeps/small", "metric=test/edge_error", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    report = (place / "logs" / "sweeps" / "small" / "report.md").read_text(encoding="utf-8")
    assert "Which `decoder` is best by `test/edge_error` (lower is better)? 2 completed runs" in report
    assert "mylab 0.1.0" in report
