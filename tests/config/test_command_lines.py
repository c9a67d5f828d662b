"""What `train` makes of a careless command line: an answer within a second, in words that name the cure."""

import json
from pathlib import Path

import pytest

from helpers.project import TINY, configure, run_command
from hourglass.core.formats import FORMAT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decoder=resiz"], "Available options in 'decoder':"),
        (["decodr=resize"], "decodr is no key of this configuration: did you mean decoder"),
        (["optimizer.lrr=1"], "did you mean optimizer.lr"),
        (["kernel_size=3"], "did you mean decoder.kernel_size"),
        (["seed=1", "seed=2"], "seed is given 2 times: give it once"),
        (["model=conv", "model=vae"], "model is given 2 times"),
        (["+width=3"], "a '+' adds a key that nothing reads"),
        (["-m", "seed=0,1", "retry=now"], "retry=now: it can be failed, diverged, incompatible or all"),
        (["-m", "seed=0,1", "sweep=a/b"], "sweep=a/b names a folder"),
        (["-m", "seed=0,1", "sweep=a,b"], "sweep=a,b: one value is needed, give one"),
        (["-m", "seed=0,1", "+width=3"], "a '+' adds a key that nothing reads"),
        (["-m", "seed=0", "seed=1,2"], "seed is given 2 times: give it once"),
        (["-m", "seed=0,1", "hydra.launcher.n_jobs=2"], "choose another, such as hydra/launcher=joblib"),
        (["-m", "seed=0,1", "hydra.mode=MULTIRUN", "sweep=null"], "a sweep has one name, its folder"),
        (["hydra.mode=MULTIRUN", "seed=0,1"], "hydra.mode=MULTIRUN: start a sweep with -m"),
        (["search=optuna", "+width=3"], "a '+' adds a key that nothing reads"),
        (["search=optuna", "retry=failed"], "a search does not try a failed trial again"),
        (
            ["-m", "decoder=resize,transpose", "--cfg", "job"],
            "--cfg is about one run, and -m is for many: leave out one",
        ),
        (["sweep=x"], "sweep= is about many runs: start a sweep with -m"),
        (["resume=nowhere", "seed=1"], "resume= continues a run as it was configured: leave out seed=1"),
    ],
)
def test_typos_are_refused_without_torch(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run_command(
        "-X", "importtime", "train.py", *arguments, f"hydra.run.dir={tmp_path}", f"hydra.sweep.dir={tmp_path}"
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert message in "\n".join(lines)
    assert "Traceback" not in done.stderr
    assert len(lines) < 30
    assert "torch" not in done.stderr


@pytest.mark.parametrize("question", ["--help", "--cfg=job"])
def test_questions_are_answered_without_torch(question: str) -> None:
    done = run_command("-X", "importtime", "train.py", question)
    assert done.returncode == 0
    assert "decoder" in done.stdout
    assert "| torch" not in done.stderr


@pytest.mark.slow
def test_a_run_is_continued_only_as_it_was_configured(tmp_path: Path) -> None:
    """And a folder whose run was killed before it wrote anything belongs to its configuration all the same."""
    folder = tmp_path / "run"
    configuration = configure(*TINY, "seed=3")
    path = folder / ".hydra" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(configuration.as_yaml, encoding="utf-8")
    done = run_command("train.py", f"hydra.run.dir={folder}", *TINY, "seed=4")
    assert done.returncode == 1
    assert f"holds run {configuration.id}, this is" in done.stderr
    summary = {
        "format": FORMAT, "id": configuration.id, "status": "interrupted", "choices": {}, "overrides": [], "sweep": None
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace("seed: 3", "seed: 5"), encoding="utf-8")
    done = run_command("train.py", f"resume={folder}")
    assert "was changed since the run began" in done.stderr
    (tmp_path / "sweep.json").write_text("{}")
    done = run_command("train.py", f"resume={tmp_path}")
    assert "is a sweep: give its command again" in done.stderr
