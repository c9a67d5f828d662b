"""Numbers of other packages in a report, which imports none of them; and what is measured is no treatment."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.sweep_folders import jobs, make, make_run, update_metrics
from hourglass.core.errors import ConfigError
from hourglass.report import markdown
from hourglass.report.analysis.review import review
from hourglass.report.page import render, views
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize")
SHARPNESS = {"title": "sharpness {0} <b>", "meaning": "Of edges.", "better": "higher", "unit": "dB", "per_image": True}


def described(folder: Path, **changes: Any) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(summary | changes), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two decoders; the second is sharper, on every seed."""
    folder = make(tmp_path / "s", DECODERS, seeds=range(6))
    for i, job in enumerate(jobs(folder)):
        update_metrics(job, {"test/sharpness": 20.0 + i % 6 + 5 * (i // 6), "test/unknown": float(i)})
        described(job, measures={"sharpness": SHARPNESS, "mse": SHARPNESS})
    return folder


def test_a_foreign_metric_is_ranked_the_right_way_round(folder: Path) -> None:
    reviewed = review(runs.read(folder), metric="test/sharpness")
    assert reviewed.answers[0].best == "decoder=resize"
    assert reviewed.comparison["verdict"].tolist() == ["better"]
    assert str(reviewed.comparison["relative"].iloc[0]) == "nan"  # decibels
    shown = {column.key: column for column in views.columns(reviewed)}
    assert shown["test/sharpness"].title == "sharpness {0} <b>, dB"
    assert shown["test/sharpness"].notes == ["higher is better"]
    assert "`test/sharpness` (higher is better)" in markdown.write(reviewed)
    assert "sharpness {0} <b>" not in render.render(reviewed).split("<main>")[1].split("<script")[0]
    beside = {column.key: column for column in views.columns(review(runs.read(folder)))}
    assert beside["test/sharpness"].shown  # without being asked for
    assert beside["test/mse"].notes == ["lower is better"]  # whatever a stranger's summary says of ours


def test_a_number_without_a_direction_is_shown_and_not_ranked(folder: Path) -> None:
    shown = {column.key: column for column in views.columns(review(runs.read(folder)))}
    assert (shown["test/unknown"].notes, shown["test/unknown"].shown) == ([], False)
    with pytest.raises(ConfigError, match=r"metric=test/unknown was logged without `better`, .* use metric=test/mse"):
        review(runs.read(folder), metric="test/unknown")
    described(jobs(folder)[0], measures={"sharpness": SHARPNESS | {"better": "lower"}})
    with pytest.raises(ConfigError, match="metric=test/sharpness was logged without `better`"):
        review(runs.read(folder), metric="test/sharpness")


@pytest.mark.parametrize("measures", [{"x": {"title": "x"}}, {"x": SHARPNESS | {"better": "up"}}, [1]])
def test_what_describes_nothing_is_torn(folder: Path, measures: object) -> None:
    described(jobs(folder)[0], measures=measures)
    assert [problem.status for problem in runs.read(folder).others] == ["torn"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["callbacks.checkerboards.images=200"],
        ["callbacks.learning_rate.logging_interval=epoch"],
        ["+callbacks.mine={_target_: mylab.Watch, bins: 3}"],
        ["metrics=[default,ms_ssim]"],
    ],
)
def test_what_measures_or_watches_is_no_treatment(tmp_path: Path, overrides: list[str]) -> None:
    for seed in range(2):
        make_run(tmp_path, ["decoder=resize"], seed)
        make_run(tmp_path, ["decoder=transpose", *overrides], seed)
    sweep = runs.read(tmp_path)
    assert sweep.varied == ["decoder"]
    assert len(sweep.runs) == 4


def test_a_run_measured_again_otherwise_is_the_same_run(tmp_path: Path) -> None:
    make_run(tmp_path, [], 0, name="a-00000000")
    make_run(tmp_path, ["metrics=[default,ms_ssim]"], 0, name="b-11111111")
    sweep = runs.read(tmp_path)
    assert [run.folder.name for run in sweep.runs] == ["b-11111111"]
    (problem,) = sweep.others
    assert problem.status == "repeated"
    assert "the same configuration and seed, but for metrics and callbacks, and is newer" in problem.reason
    assert sweep.lost == []


def test_a_callback_that_changes_training_is_a_treatment(tmp_path: Path) -> None:
    mine = "+callbacks.mine={_target_: mylab.Average, decay: 0.9}"
    make_run(tmp_path, [], 0)
    identity = make_run(tmp_path, [mine], 0)
    described(tmp_path / identity, effects=["mine"])
    assert runs.read(tmp_path).varied == ["callbacks.mine.decay"]
