"""Several folders in one report: what they share, what differs, and which pictures are held against each other."""

import json
from pathlib import Path

import pytest

from helpers import sweep_folders
from hourglass.core.errors import DataError
from hourglass.report import markdown
from hourglass.report.analysis.review import Review, review
from hourglass.report.make import make
from hourglass.report.reading import runs
from hourglass.report.request import parse

PAIR = ("decoder=transpose", "decoder=resize")


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """alpha: 2 decoders × seeds 0 to 3; beta: resize again with seeds 2 to 4, and subpixel at another learning rate."""
    alpha = sweep_folders.make(tmp_path / "alpha", PAIR, seeds=range(4))
    beta = sweep_folders.make(tmp_path / "beta", PAIR[1:], seeds=range(2, 5))
    other = sweep_folders.make(tmp_path / "other", ["decoder=subpixel"], seeds=range(2, 5), fixed=["optimizer.lr=0.01"])
    for run in sweep_folders.jobs(other):
        run.rename(beta / run.name)
    return alpha, beta


def test_they_are_read_as_one_sweep_in_which_a_run_counts_once(two: tuple[Path, Path]) -> None:
    alpha, beta = two
    sweep = runs.read(alpha, beta)
    assert (len(sweep.runs), sweep.others, sweep.name) == (8 + 1 + 3, [], "alpha and beta")
    assert {c.label: [run.seed for run in c.runs] for c in sweep.configurations} == {
        "decoder=transpose, optimizer.lr=0.005": [0, 1, 2, 3],
        "decoder=resize, optimizer.lr=0.005": [0, 1, 2, 3, 4],
        "decoder=subpixel, optimizer.lr=0.01": [2, 3, 4],
    }
    assert sweep.standing.startswith("Exploratory: 2 folders are compared")
    with pytest.raises(DataError, match="does not exist"):
        runs.read(alpha, alpha / "none")


def rows(reviewed: Review) -> dict[str, list[str]]:
    assert reviewed.folders
    return {name: values for name, *values in reviewed.folders.rows}


def test_what_is_shared_and_what_differs_is_said(two: tuple[Path, Path]) -> None:
    alpha, beta = two
    reviewed = review(runs.read(alpha, beta))
    assert rows(reviewed) == {
        "runs": ["8", "6"],
        "decoder": ["resize, transpose", "resize, subpixel"],
        "optimizer.lr": ["0.005", "0.005, 0.01"],
        "seeds": ["0 to 3", "2 to 4"],
    }
    assert reviewed.folders
    assert reviewed.folders.shared["test images"] == "c0ffee00"
    assert reviewed.folders.sentences == ["2 runs in more than one of them, counted once: the same test/mse."]
    sweep_folders.update_metrics(sweep_folders.jobs(beta)[0], {"test/mse": 1.0})
    for run in sweep_folders.jobs(beta):
        data = json.loads((run / "summary.json").read_text())["data"]
        sweep_folders.change(run, hardware={"device": "H200"}, data=data | {"fingerprint": "0ther"})
    again = review(runs.read(alpha, beta))
    assert again.folders
    assert {"test images", "hardware"} <= set(rows(again))
    said = " ".join(again.folders.sentences)
    assert "test/mse that differs by up to" in said
    assert "different hardware" in said
    assert "Their test images are not all the same" in said
    assert "## What is compared" in markdown.write(again)
    assert review(runs.read(alpha)).folders is None


def test_pictures_are_of_one_seed_where_all_have_one(two: tuple[Path, Path]) -> None:
    alpha, beta = two
    reviewed = review(runs.read(alpha, beta))
    assert {run.seed for run in reviewed.pictured.values()} <= {2, 3}  # which all three have
    assert len({run.seed for run in reviewed.pictured.values()}) == 1
    assert reviewed.pictures_differ == ""
    apart = sweep_folders.make(alpha.parent / "apart", ["decoder=bilinear"], seeds=[7])
    other = review(runs.read(alpha, apart))
    assert other.pictured["decoder=bilinear"].seed == 7
    assert other.pictures_differ == "No seed that all configurations have: each picture is named by its own."


def test_jobs_without_a_result_belong_to_the_configuration_of_their_folder(tmp_path: Path) -> None:
    """Two sweeps may ask for the same in other words: `decoder=resize` is not the same job in both."""
    first = sweep_folders.make(tmp_path / "first", PAIR, seeds=range(2), fixed=["optimizer.lr=0.01"])
    second = sweep_folders.make(tmp_path / "second", PAIR, seeds=range(2))
    sweep_folders.spoil(sweep_folders.jobs(first)[0], "failed", "no")
    content = json.loads((first / "sweep.json").read_text())
    for job in content["jobs"].values():
        job["overrides"].insert(0, "optimizer.lr=0.01")
    (first / "sweep.json").write_text(json.dumps(content))
    notes = {c.label: c.notes for c in runs.read(first, second).configurations}
    assert notes["decoder=transpose, optimizer.lr=0.01"] == ["1 of 2 seeds failed"]
    assert notes["decoder=transpose, optimizer.lr=0.005"] == []


def test_the_command_makes_it_and_leaves_the_reports_of_the_folders_alone(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(two[0].parent)
    make(parse(["alpha", "beta", "reference=decoder=transpose"]))
    page = Path("logs/reports/alpha+beta/report.html").read_text(encoding="utf-8")
    assert 'id="folders"' in page
    assert "All have the same data (mnist5k)" in " ".join(page.split())
    assert not list(Path("alpha").glob("report*"))
