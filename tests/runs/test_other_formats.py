"""Folders that another version wrote, or none of ours: refused by name and with the cure, and left as they are."""

import json
from pathlib import Path

import pytest

from helpers.project import CONF, TINY, configure
from helpers.sweep_folders import jobs, make
from helpers.untrained_runs import untrained_run
from hourglass.cli import sweep, train
from hourglass.core.compat.hydra import Application
from hourglass.core.errors import DataError
from hourglass.core.formats import FORMAT
from hourglass.report.reading import runs
from hourglass.runs.read import read_summary, read_sweep
from hourglass.runs.status import status_of

OVERRIDES = (*TINY, "sweep=mine", "seed=0")
CURES = {2: "has format 2, and this version of hourglass reads 1", None: "has no format number"}
pytestmark = pytest.mark.parametrize("other", CURES, ids=["format 2", "no format"])


def rewrite(path: Path, other: int | None) -> str:
    """Give a file another format, and return what it is to be called."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.pop("format") == FORMAT
    path.write_text(json.dumps(content if other is None else {"format": other} | content), encoding="utf-8")
    return f"{path} {CURES[other]}"


def refusal(*arguments: str) -> str:
    """Why `train.py` does not take these arguments."""
    with pytest.raises(DataError) as refused:
        train.main(list(arguments))
    return str(refused.value)


def test_a_run_is_not_read_and_not_continued(tmp_path: Path, other: int | None) -> None:
    run = untrained_run(tmp_path / "run", "model=linear", status="interrupted")
    name = rewrite(run / "summary.json", other)
    before = (run / "summary.json").read_bytes()
    for reader in (read_summary, status_of):
        with pytest.raises(DataError) as refused:
            reader(run)
        assert str(refused.value).startswith(name)
    assert refusal(f"resume={run}").startswith(name)
    assert (run / "summary.json").read_bytes() == before


def test_a_sweep_is_not_repeated_over_it(tmp_path: Path, other: int | None) -> None:
    folder = tmp_path / "mine"
    command = ["-m", f"hydra.sweep.dir={folder}", *OVERRIDES]
    sweep.plan(Application(CONF, "train", command), [], command)
    name = rewrite(folder / "sweep.json", other)
    before = (folder / "sweep.json").read_bytes()
    with pytest.raises(DataError) as refused:
        read_sweep(folder)
    assert str(refused.value).startswith(name)
    assert refusal(*command).startswith(name)
    assert (folder / "sweep.json").read_bytes() == before


def test_a_sweep_does_not_train_a_job_of_another_format_again(tmp_path: Path, other: int | None) -> None:
    run = untrained_run(tmp_path / "mine" / configure(*OVERRIDES).id, "model=linear", status="failed")
    name = rewrite(run / "summary.json", other)
    assert refusal("-m", f"hydra.sweep.dir={tmp_path / 'mine'}", *OVERRIDES).startswith(name)
    assert not (tmp_path / "mine" / "sweep.json").exists()


def test_the_report_lists_it(tmp_path: Path, other: int | None) -> None:
    folder = make(tmp_path / "mine", ("decoder=transpose", "decoder=resize"), seeds=range(2))
    one = jobs(folder)[0]
    names = {"sweep.json": rewrite(folder / "sweep.json", other), one.name: rewrite(one / "summary.json", other)}
    content = runs.read(folder)
    assert len(content.runs) == 3
    assert {problem.id for problem in content.others} == set(names)
    for problem in content.others:
        assert problem.reason.startswith(names[problem.id])
