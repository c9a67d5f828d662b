"""A report goes by what its sweep declares, and its own command line wins; verdicts with a margin, in all words."""

import json
import re
from pathlib import Path

import pytest

from helpers.sweep_folders import jobs, make, update_metrics
from hourglass.cli.report import main
from hourglass.core.errors import ConfigError
from hourglass.report import markdown
from hourglass.report.analysis.comparison import paired, pairing
from hourglass.report.analysis.review import Review, review
from hourglass.report.page import render
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize", "decoder=subpixel")
DECLARED = {"primary": "test/mse", "equivalent_within": "5 %", "reference": "decoder=resize"}


def declare(folder: Path, **declared: str) -> Path:
    content = json.loads((folder / "sweep.json").read_text())
    content["invocations"][0] |= {"declared": declared}
    (folder / "sweep.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """subpixel is 3 % better than transpose and resize 6 % worse, on 10 seeds."""
    made = make(tmp_path_factory.mktemp("declared") / "s", DECODERS, seeds=range(10), noise=0.005)
    return declare(made, **DECLARED)


def review_of(folder: Path, **options: str) -> Review:
    return review(runs.read(folder), **options)


def test_the_report_goes_by_what_is_declared_without_being_told(folder: Path, capsys: pytest.CaptureFixture) -> None:
    reviewed = review_of(folder)
    assert (reviewed.metric, reviewed.role) == ("test/mse", "primary")
    assert set(reviewed.comparison["reference"]) == {"decoder=resize"}
    assert reviewed.remarks == [
        "test/mse is the primary metric, which was declared to decide.",
        "Differences within 5 % count as none, as declared.",
    ]
    main([str(folder)])
    assert "below decoder=resize" in capsys.readouterr().out
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "by `test/mse` (primary, lower is better)?" in report
    assert "metric=test/mse 'equivalent_within=5 %'`" in report
    assert "Exploratory: no commit is declared (fixed=)" in report
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Paired comparison by test/mse (primary)" in page
    assert page.count('class="margin"') == 2


def test_its_own_command_line_wins_and_the_report_says_so(folder: Path) -> None:
    reviewed = review_of(folder, metric="test/psnr", reference="decoder=transpose")
    assert reviewed.role == "secondary"
    assert reviewed.equivalent_within is None  # the margin was of another metric
    assert reviewed.remarks == [
        "test/psnr is a secondary metric: test/mse was declared to decide.",
        "Not compared with the reference that was declared, decoder=resize.",
    ]
    assert "by `test/psnr` (secondary, higher is better)?" in markdown.write(reviewed)
    chosen = review_of(folder, equivalent_within="10 %")
    assert chosen.remarks[1].endswith("count as none, which was not declared, but chosen for this report.")


def test_a_declared_reference_that_was_not_run_is_said_to_be_missing(tmp_path: Path) -> None:
    folder = declare(make(tmp_path / "s", DECODERS[::2], seeds=range(2)), **DECLARED)
    assert "Not compared with the reference that was declared, decoder=resize." in review_of(folder).remarks


@pytest.mark.parametrize(
    ("metric", "margin", "says"),
    [
        ("test/psnr", "5 %", "equivalent_within=5 %: test/psnr is in dB: say 0.1 dB"),
        ("test/mse", "0.1 dB", "equivalent_within=0.1 dB: test/mse is not in dB: say 5 %"),
        ("test/mse", "little", "equivalent_within=little: give a share"),
    ],
)
def test_a_margin_in_another_unit_is_refused(folder: Path, metric: str, margin: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        review_of(folder, metric=metric, equivalent_within=margin)


def test_the_margin_makes_three_verdicts(folder: Path) -> None:
    """transpose is 5.7 % and subpixel 8.5 % better than resize, with a spread of the differences of 0.7 %."""

    def verdicts(margin: str) -> list[str]:
        return paired(runs.read(folder), "decoder=resize", "test/mse", margin)["verdict"].tolist()

    assert verdicts("3 %") == ["better", "better"]
    real = "equivalent: the difference is real but smaller than the margin"
    assert verdicts("7 %") == [real, "better"]
    assert verdicts("20 %") == [real, real]


def test_equivalence_in_decibels_is_absolute(folder: Path) -> None:
    table = paired(runs.read(folder), "decoder=transpose", "test/psnr", "1 dB")
    assert table["margin"].tolist() == [1, 1]
    assert table["verdict"].str.startswith("equivalent").all()


@pytest.mark.parametrize(
    ("spread", "supported", "headline", "says"),
    [
        (0.005, "Equivalent", "and is equivalent to decoder=", r"within ±0\.005\d* \(5\.0 %\) count as none"),
        (0.15, "Not shown", "but no difference from decoder=", r"About \d+ seeds would show a difference"),
    ],
)
def test_the_answer_says_what_is_equivalent_and_what_is_not_shown(
    tmp_path: Path, spread: float, supported: str, headline: str, says: str
) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(10))
    for i, (one, other) in enumerate(zip(jobs(folder)[:10], jobs(folder)[10:], strict=True)):
        update_metrics(one, {"test/mse": 0.1 + i / 1000})
        update_metrics(other, {"test/mse": (0.1 + i / 1000) * (1 + (spread if i % 2 else -spread))})
    reviewed = review_of(folder, equivalent_within="5 %")
    (answer,) = reviewed.answers
    assert headline in answer.headline
    assert re.search(says, " ".join(answer.sentences))
    assert next(fact.value for fact in answer.facts if fact.term == "Is that claim supported?") == supported
    assert supported.lower() in markdown.write(reviewed)
    assert supported in render.render(reviewed)


def test_seeds_with_nothing_in_common_are_told(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(8))
    table = paired(runs.read(folder))
    assert table["r"].iloc[0] > 0.5  # the seeds of a made-up sweep have an effect that all share
    assert pairing(table) == ""
    first, second = jobs(folder)[:8], jobs(folder)[8:]
    for one, other, value in zip(first, second, (1, 2, 3, 4, 5, 6, 7, 8), strict=True):
        update_metrics(one, {"test/mse": 0.1 + value / 1000})
        update_metrics(other, {"test/mse": 0.1 - value / 1000})
    reviewed = review_of(folder)
    assert reviewed.comparison["r"].tolist() == [pytest.approx(-1)]
    assert reviewed.remarks[0].startswith("Pairing by seed did nothing for any of these (r < 0.2)")
    assert "| -1.00 |" in markdown.write(reviewed)
