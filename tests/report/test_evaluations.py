"""Runs evaluated again, in the report: what is drawn together, what is kept apart, and how it is named."""

import json
from pathlib import Path

import pandas as pd
import pytest

from helpers.sweep_folders import evaluate, make
from hourglass.report import make as making
from hourglass.report import markdown
from hourglass.report.analysis.review import review
from hourglass.report.page.plots import Figure
from hourglass.report.page.robustness import robustness
from hourglass.report.reading import evaluations, runs
from hourglass.report.request import Request
from hourglass.runs.evaluation.records import descriptions, variants

LEVELS = (0.1, 0.3)


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 decoders × 2 seeds, one of them with other evaluations too: cut noise, and noise of one seed for all runs."""
    folder = make(tmp_path_factory.mktemp("evaluations") / "s", ("decoder=transpose", "decoder=resize"), seeds=range(2))
    for i, job in enumerate(json.loads((folder / "sweep.json").read_text())["jobs"]):
        evaluate(folder / job, "none", 0.0)
        evaluate(folder / job, "block", 8, gain=-1.0, size=8, count=1)
        for level in LEVELS:
            evaluate(folder / job, "gaussian", level, gain=10 * level + i, std=level, clip=False)
        if i < 2:
            evaluate(folder / job, "gaussian", 0.3, gain=50.0, std=0.3, clip=True)
            evaluate(folder / job, "gaussian", 0.3, gain=70.0, std=0.3, clip=False, overrides=["seed=0"])
    return folder


def drawn(ladder: Path) -> Figure:
    figure = robustness(review(runs.read(ladder)))
    assert figure is not None
    return figure


def test_different_evaluations_are_not_taken_for_seeds(ladder: Path) -> None:
    figure = drawn(ladder)
    names = {row[2] for row in figure.rows}
    plain = "gaussian, clip=false, own seed"
    assert names == {plain, "gaussian, clip=true, own seed", "gaussian, clip=false, seed=0", "block"}
    gains = {(row[0], row[2], row[3]): row[4] for row in figure.rows if row[1] == "test/psnr_gain"}
    assert gains["decoder=transpose", plain, "0.3"] == "3.5"  # the mean of 3 and 4, and no 50 or 70 in it
    assert gains["decoder=transpose", "gaussian, clip=true, own seed", "0.3"] == "50"
    assert ("decoder=resize", "gaussian, clip=true, own seed", "0.3") not in gains


def test_the_gain_comes_first_and_kinds_as_in_the_configuration(ladder: Path) -> None:
    variants = list(drawn(ladder).variants)
    assert variants[0] == "gaussian, clip=false, own seed: gain, dB"
    assert variants[3] == "block: gain, dB"  # the last kind of conf/evaluate.yaml
    assert [name.split(": ")[1] for name in variants[::4]] == ["gain, dB", "PSNR, dB", "MSE", "SSIM"]


def test_the_clean_images_are_level_0_of_every_kind(ladder: Path) -> None:
    levels = {row[3] for row in drawn(ladder).rows if row[1] == "test/psnr" and row[2] == "block"}
    assert levels == {"0", "8"}


def test_only_what_was_evaluated_stands_in_the_legend(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", ("decoder=transpose", "decoder=resize"), seeds=[0])
    assert robustness(review(runs.read(folder))) is None
    assert evaluations.table(runs.read(folder)).empty
    best, _ = review(runs.read(folder)).ranked
    evaluate(best.runs[0].folder, "masking", 0.25, p=0.25)
    assert drawn(folder).configurations == [0]


def test_every_evaluation_is_a_row_of_a_table(ladder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    making.make(Request(ladder, ladder))
    assert str(ladder / "evaluations.csv") in capsys.readouterr().out
    table = pd.read_csv(ladder / "evaluations.csv")
    assert len(table) == 4 * 4 + 2 * 2
    row = table[(table["on/kind"] == "gaussian") & (table["on/clip"].astype(str) == "True")].iloc[0]
    assert (row["label"], row["decoder"], row["seed"]) == ("decoder=transpose", "transpose", 0)
    assert (row["on/level"], row["on/std"], row["on/data"], row["test/psnr_gain"]) == (0.3, 0.3, "mnist5k", 50.0)
    report = (ladder / "report.md").read_text()
    lines = report[report.index("## Under other corruption") :].splitlines()
    cells = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    assert cells[:2] == ["configuration", "gaussian 0.1, clip=false, own seed"]
    assert cells[-1] == "block 8"
    resize = next(line for line in lines if line.startswith("| decoder=resize"))
    assert resize == "| decoder=resize | +3.5 | +5.5 | – | – | -1.0 |"


def test_without_corruption_the_words_have_psnr(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", ("decoder=transpose", "decoder=resize"), seeds=[0])
    for run in runs.read(folder).runs:
        evaluate(run.folder, "none", 0.0)
    report = markdown.write(review(runs.read(folder)))
    assert "| configuration | none |" in report
    assert "PSNR, dB: mean over the seeds" in report


def test_what_tells_evaluations_apart_is_named() -> None:
    def record(one: str, level: float = 0.3, *overrides: str, clip: bool = False, data: str = "mnist5k") -> dict:
        corruption = {"kind": "gaussian", "level": level, "std": level, "clip": clip}
        return {"id": one, "corruption": corruption, "data": data, "overrides": list(overrides), "metrics": {}}

    assert variants([record("a"), record("b", 0.1)]) == {"a": "", "b": ""}  # the level is an axis
    assert variants([record("a"), record("b", clip=True)]) == {"a": "clip=false", "b": "clip=true"}
    assert variants([record("a"), record("b", 0.3, "seed=0")]) == {"a": "own seed", "b": "seed=0"}
    assert variants([record("a"), record("b", clip=True, data="synthetic")]) == {"a": "", "b": ""}
    asked = record("b", 0.3, "data.source.seed=7", "corruption.std=0.3")
    assert variants([record("a"), asked]) == {"a": "own data.source.seed", "b": "data.source.seed=7"}
    assert descriptions([record("a"), record("b", 0.1)]) == {"a": "mnist5k, gaussian 0.3", "b": "mnist5k, gaussian 0.1"}
    own_data = [record("a"), record("b")]  # runs of a sweep over the data, each on its own
    assert descriptions(own_data) == {"a": "mnist5k, gaussian 0.3 (a)", "b": "mnist5k, gaussian 0.3 (b)"}
