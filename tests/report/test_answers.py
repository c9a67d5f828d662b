"""What a report claims of made-up sweeps whose truth is known: what is said, and named as lost."""

import json
import shutil
from pathlib import Path

import pytest

from helpers.sweep_folders import change, jobs, make, spoil, update_metrics
from hourglass.report import markdown
from hourglass.report.analysis import tables
from hourglass.report.analysis.answer import Fact
from hourglass.report.analysis.review import Review, review
from hourglass.report.page import render
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize", "decoder=subpixel")


def review_of(folder: Path, reference: str | None = None, metric: str = "test/mse") -> Review:
    return review(runs.read(folder), reference, metric)


def fact(reviewed: Review) -> Fact:
    """What is said of the claim."""
    return next(fact for fact in reviewed.answers[0].facts if fact.term == "Is that claim supported?")


@pytest.mark.parametrize(
    ("seeds", "noise", "headline", "supported"),
    [
        (8, 0.0, "decoder=subpixel is better than decoder=transpose", "Yes"),
        (8, 0.04, "but no difference from decoder=transpose is shown", "Not shown"),
        (3, 0.0, "decoder=subpixel is ahead, but there are not enough seeds to claim it", "Not enough seeds"),
    ],
)
def test_the_answer_claims_what_the_seeds_allow(
    tmp_path: Path, seeds: int, noise: float, headline: str, supported: str
) -> None:
    """The made-up subpixel is 3 % better: with 8 seeds and no noise p is 2/2^8; with 3 it cannot be below 0.25."""
    folder = make(tmp_path / "s", ["decoder=transpose", "decoder=subpixel"], seeds=range(seeds), noise=noise)
    (answer,) = review_of(folder).answers
    assert headline in answer.headline
    fact = next(fact for fact in answer.facts if fact.term == "Is that claim supported?")
    assert fact.value == supported
    assert f"{seeds} seeds can give {2 / 2**seeds:.2g}"[:20] in fact.more
    if not noise:
        assert "(3.0 %) below decoder=transpose" in answer.sentences[1]
        assert "4.00 times those of decoder=transpose" in answer.sentences[2]


def test_equal_means_are_called_alike(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS, seeds=range(8))
    for job in jobs(folder):
        update_metrics(job, {"test/mse": 0.116})
    reviewed = review_of(folder)
    (answer,) = reviewed.answers
    assert answer.headline == "All 3 are alike: test/mse 0.116"
    assert answer.best is None
    assert set(reviewed.comparison["verdict"]) == {"not shown"}


def test_the_headline_says_what_max_unpooling_is_given_beside_the_code(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", ("decoder=max_unpool", "decoder=transpose"), seeds=range(8), noise=0.0)
    positions = "; it is given 9,408 bits of positions beside the code"
    assert review_of(folder).headline == f"decoder=max_unpool is better than decoder=transpose{positions}"
    alone = make(tmp_path / "one", ["decoder=max_unpool"], seeds=[0])
    assert review_of(alone).headline.endswith(positions)


def test_a_reference_ahead_is_told_with_its_nearest_competitor(tmp_path: Path) -> None:
    """Of transpose: resize is 6 % and bilinear 10 % worse, without noise: p is 2/2^8, and twice that by Holm."""
    decoders = ("decoder=transpose", "decoder=bilinear", "decoder=resize")
    reviewed = review_of(make(tmp_path / "s", decoders, seeds=range(8), noise=0.0))
    (answer,) = reviewed.answers
    assert answer.headline == "decoder=transpose is better than the 2 others"
    assert "On the same 8 seeds the nearest, decoder=resize, is 0.0002" in answer.sentences[1]
    assert "(6.0 %) above it, 95 % interval ±0.0000" in answer.sentences[1]
    assert "sign-flip p = 0.0078, 0.0156 after Holm's correction" in answer.sentences[1]
    assert [(fact.term, fact.value) for fact in answer.facts[1:3]] == [
        ("The nearest, decoder=resize", "6.0 % higher"),
        ("Is that claim supported?", "Yes"),
    ]


@pytest.mark.slow
def test_all_others_are_those_of_the_same_reference_alone(tmp_path: Path) -> None:
    axes = ("encoder=maxpool", "encoder=strided"), ("decoder=transpose", "decoder=bilinear", "decoder=resize")
    reviewed = review_of(make(tmp_path / "s", *axes, seeds=range(9), noise=0.0), "decoder=transpose")
    assert reviewed.headline == "encoder=maxpool, decoder=transpose is better than the 2 that are compared with it"


@pytest.mark.parametrize("reference", ["decoder=resize", "decoder=transpose"])
def test_what_is_not_finite_is_not_compared(tmp_path: Path, reference: str) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(6))
    update_metrics(jobs(folder)[-1], {"test/mse": None})  # of resize
    reviewed = review_of(folder, reference)
    assert reviewed.comparison["verdict"].tolist() == ["not finite: nothing to compare"]
    said = " ".join([reviewed.answers[0].headline, *reviewed.answers[0].sentences])
    assert "can come from the seeds alone" not in said
    assert "no finite test/mse" in said
    assert fact(reviewed).value == "Cannot be told"


def test_a_metric_that_is_nowhere_finite_still_makes_a_report(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(2))
    html = render.render(review_of(folder, metric="init/shift_consistency_4"))
    assert "No configuration has a finite init/shift_consistency_4" in html
    specifications = html.split('id="specifications">')[1].split("</script>")[0]
    json.loads(specifications, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert "Quality against cost" not in html


def test_older_runs_without_all_costs_are_answered_too(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(2))
    for job in jobs(folder):
        change(job, cost={"num_params": 1234})
    reviewed = review_of(folder, "decoder=resize")
    assert "1,234 parameters, – multiply-adds per image" in reviewed.answers[0].sentences[-1]
    render.render(reviewed)


def test_the_price_is_told_as_executed_and_as_fused(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(2), noise=0.0)
    for job, macs in zip(jobs(folder), (1e6, 1e6, 2e6, 2e6), strict=True):
        costs = {"num_params": 9, "macs_per_image": macs, "macs_fused_per_image": 1e6, "latency_ms": macs / 1e6}
        change(job, cost=costs, decoder_channels=None if macs > 1e6 else [8])
    reviewed = review_of(folder, "decoder=resize")
    price = "1.00 M multiply-adds per image (0.50 times those of decoder=resize, 1.00 times as fused)"
    assert price in reviewed.answers[0].sentences[-1]
    lines = markdown.write(reviewed).splitlines()
    header = next(line for line in lines if line.startswith("| configuration"))
    assert header.startswith("| configuration | decoder.channels | seeds |")
    assert "cost/macs_per_image | cost/macs_fused_per_image | cost/latency_ms |" in header
    assert any(line.startswith("| decoder=transpose | [8] | 2 |") for line in lines)
    render.render(reviewed)


def test_lost_and_ill_seeds_are_told_with_their_configuration(tmp_path: Path) -> None:
    """3 decoders × 8 seeds: transpose loses 3, resize has 2 ill ones, subpixel has no result at all."""
    folder = make(tmp_path / "s", DECODERS, seeds=range(8), noise=0.0)
    transpose, resize, subpixel = jobs(folder)[:8], jobs(folder)[8:16], jobs(folder)[16:]
    for job in (*transpose[:2], *subpixel):
        spoil(job, "diverged", "the loss became nan")
    shutil.rmtree(transpose[7])
    for job, epoch in ((resize[0], 1), (resize[3], 2)):
        change(job, health={"constant output": epoch})
    reviewed = review_of(folder, "decoder=resize")
    notes = {configuration.label: configuration.notes for configuration in reviewed.ranked}
    assert notes == {
        "decoder=transpose": ["2 of 8 seeds diverged", "1 of 8 seeds planned"],
        "decoder=resize": ["2 of 8 seeds: constant output"],
    }
    (answer,) = reviewed.answers
    assert "over 5 seeds; 2 of 8 seeds diverged; 1 of 8 seeds planned." in answer.sentences[0]
    assert "Of decoder=resize: 2 of 8 seeds: constant output." in answer.sentences
    report = markdown.write(reviewed)
    assert "| decoder=resize | 8 | 2 of 8 seeds: constant output |" in report
    assert "No run was completed for decoder=subpixel (8 diverged)." in report
    html = render.render(reviewed)
    assert '<span class="tag warn">2 of 8 seeds diverged</span>' in html
    assert "No run was completed for decoder=subpixel (8 diverged)." in html
    results = tables.results(reviewed.sweep)
    ill = results[results["health"].fillna("") != ""]
    assert ill["health"].tolist() == ["constant output, since epoch 1", "constant output, since epoch 2"]


def test_the_words_leave_out_what_says_nothing(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(3))
    for job in jobs(folder):
        update_metrics(job, {"test/flat_field_ripple_1": 0.0})
    report = markdown.write(review_of(folder, "decoder=transpose", "test/psnr"))
    header, _, row, *_ = report[report.index("| configuration") :].splitlines()
    columns = dict(zip(header.split(" | "), row.split(" | "), strict=True))
    assert "cost/index_bits" not in columns
    assert "test/flat_field_ripple_1" not in columns
    assert columns["cost/num_params"] == "9,567"
    assert "± 0 " not in report
    assert list(columns)[2] == "test/psnr"
    assert f"this report: `python report.py {folder} reference=decoder=transpose metric=test/psnr`" in report
