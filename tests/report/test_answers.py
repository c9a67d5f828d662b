"""What a report claims of made-up sweeps whose truth is known: what is compared, said, and named as lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.sweep_folders import make, spoil
from hourglass.core.errors import ConfigError
from hourglass.report import markdown
from hourglass.report.analysis import measures, tables
from hourglass.report.analysis.answer import Fact
from hourglass.report.analysis.review import Review, review
from hourglass.report.page import render as page
from hourglass.report.page import views
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize", "decoder=subpixel")
CORRUPTIONS = ("corruption=gaussian", "corruption=none", "corruption=block")


def jobs(folder: Path) -> list[Path]:
    return [folder / name for name in json.loads((folder / "sweep.json").read_text())["jobs"]]


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the `summary.json` of a run."""
    summary = json.loads((folder / "summary.json").read_text())
    change(summary)
    (folder / "summary.json").write_text(json.dumps(summary))


def set_metric(folder: Path, name: str, value: float | None) -> None:
    rewrite(folder, lambda summary: summary["metrics"].update({name: value}))


def of(folder: Path, reference: str | None = None, metric: str = "test/mse") -> Review:
    return review(runs.read(folder), reference, metric)


def fact(reviewed: Review) -> Fact:
    """What is said of the claim."""
    return next(fact for fact in reviewed.answers[0].facts if fact.term == "Is that claim supported?")


# Tasks


def test_where_tasks_alone_were_varied_nothing_is_compared(tmp_path: Path) -> None:
    reviewed = of(make(tmp_path / "s", CORRUPTIONS, seeds=range(6), fixed=["model=denoising"]))
    assert reviewed.comparison.empty
    assert [answer.task for answer in reviewed.answers] == list(CORRUPTIONS)
    for answer in reviewed.answers:
        assert answer.headline.startswith("test/mse 0.00")
        assert "There is nothing to compare it with." in answer.sentences
        assert answer.best is None
    assert reviewed.headline == "3 tasks, and nothing to compare within them"
    report = markdown.write(reviewed)
    assert "**Question.** What is reached, for each `corruption`, by `test/mse` (lower is better)?" in report
    assert "On the same seeds" not in report
    assert "best mean" not in page.render(reviewed).split("<main>")[1]


def test_a_reference_that_names_a_task_makes_one_family_and_one_answer(tmp_path: Path) -> None:
    """With 6 seeds the smallest p is 1/32: enough for one comparison, not for two."""
    folder = make(tmp_path / "s", CORRUPTIONS, seeds=range(6), fixed=["model=denoising"])
    for job in jobs(folder)[6:]:  # far better than the first, on every seed
        rewrite(job, lambda summary: summary["metrics"].update({"test/mse": summary["metrics"]["test/mse"] / 2}))
    reviewed = of(folder, "corruption=gaussian")
    assert reviewed.comparison["p"].tolist() == [1 / 32, 1 / 32]
    assert reviewed.comparison["p_holm"].tolist() == [1 / 16, 1 / 16]
    assert set(reviewed.comparison["verdict"]) == {"not enough seeds (2 comparisons)"}
    (answer,) = reviewed.answers
    assert answer.task == ""
    assert answer.best in CORRUPTIONS[1:]


def test_a_presets_task_is_a_task_of_its_own(tmp_path: Path) -> None:
    reviewed = of(make(tmp_path / "s", ("model=conv", "model=denoising"), seeds=[0]))
    tasks = ["data=mnist5k, corruption=none", "data=mnist5k, corruption=gaussian"]
    assert [answer.task for answer in reviewed.answers] == tasks
    assert all(answer.best is None for answer in reviewed.answers)


def test_images_drawn_for_each_seed_are_not_called_the_same(tmp_path: Path) -> None:
    reviewed = of(make(tmp_path / "s", ("data=synthetic", "data=mnist5k"), DECODERS[:2], seeds=range(3)))
    assert tables.provenance(reviewed.sweep)["images"] == [
        "synthetic (3 sets of images, one a seed)",
        "mnist5k c0ffee00: 4,000 train, 500 val, 500 test",
    ]
    assert len(tables.provenance(reviewed.sweep)["data"]) == 4
    report = markdown.write(reviewed)
    assert "Which `decoder` is best, for each `data`, by" in report
    assert "With data=synthetic every seed has images of its own" in report
    assert "Elsewhere the test images are the same in all runs of a task" in report
    seeds = {run.choices["data"]: set() for run in reviewed.sweep.runs}
    for run in reviewed.pictured.values():
        seeds[run.choices["data"]].add(run.seed)
    assert len(seeds["synthetic"]) == 1  # or the pictures would be of different images
    assert "are the same in all runs:" in markdown.write(of(make(tmp_path / "t", DECODERS, seeds=[0])))


# Metrics without a better end


def test_checkerboard_metrics_are_compared_by_their_distance_from_the_real_images(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(2))
    for job, value in zip(jobs(folder), (1e-4, 1e-4, 1.6e-4, 1.6e-4), strict=True):
        set_metric(job, "test/phase_bias_2", value)  # the real images have 1.5e-4
    reviewed = of(folder, metric="gap/phase_bias_2")
    assert reviewed.board["gap/phase_bias_2"].tolist() == pytest.approx([1e-5, 5e-5])
    assert reviewed.answers[0].best == "decoder=resize"  # the higher one, and the nearer
    titles = {column.key: (column.title, column.notes, column.shown) for column in views.columns(of(folder))}
    assert titles["test/phase_bias_2"] == ("phase bias, stride 2", ["real images 0.00015"], True)
    assert titles["init/harmonic_peak_4"] == ("harmonic peak, stride 4, dB", ["real images -2.2"], False)
    assert titles["gap/phase_bias_2"] == ("phase bias, stride 2", ["lower is better"], False)
    assert titles["test/flat_field_ripple_1"][:2] == ("flat-field ripple, stage 1", ["lower is better"])
    assert titles["test/shift_consistency_4"][:2] == ("shift consistency, 4 px", ["higher is better"])
    assert titles["real/phase_bias_2"][1] == titles["floor/pca"][1] == []


@pytest.mark.parametrize(
    ("metric", "cure"),
    [
        ("test/phase_bias_2", "is held against real/, not against 0.*use metric=gap/phase_bias_2"),
        ("init/harmonic_peak_4", "use metric=gap/harmonic_peak_4"),
        ("real/phase_imbalance_2", "has no network in it.*use metric=gap/phase_imbalance_2"),
        ("floor/pool_nearest", "use metric=ratio/pool_nearest"),
        ("psnr", r"was not measured in these runs: did you mean .*test/psnr"),
    ],
)
def test_a_metric_without_a_better_end_is_refused_with_the_cure(tmp_path: Path, metric: str, cure: str) -> None:
    sweep = runs.read(make(tmp_path / "s", DECODERS[:1], seeds=[0]))
    with pytest.raises(ConfigError, match=cure):
        review(sweep, metric=metric)


def test_every_logged_name_is_known_with_its_direction() -> None:
    directions = {
        "test/elbo": "higher", "test/psnr_gain": "higher", "val/ssim": "higher", "ratio/wiener": "lower",
        "cost/images_per_second": "higher", "cost/index_bits": "lower", "test/phase_error_imbalance_2": "lower",
        "val/phase_bias_2": None, "floor/pca": None, "real/harmonic_peak_2": None, "gap/harmonic_peak_2": "lower",
        "test/lpips": "lower",
    }  # fmt: skip
    assert {name: measures.metric_direction(name) for name in directions} == directions
    assert measures.full_title("init/phase_bias_2") == "phase bias, stride 2: before the first step"
    assert measures.full_title("ratio/pca") == "ratio to PCA"
    assert measures.title("test/lpips") == "lpips"


def test_equal_means_are_called_alike(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS, seeds=range(8))
    for job in jobs(folder):
        set_metric(job, "test/mse", 0.116)
    reviewed = of(folder)
    (answer,) = reviewed.answers
    assert answer.headline == "All 3 are alike: test/mse 0.116"
    assert answer.best is None
    assert set(reviewed.comparison["verdict"]) == {"no difference shown"}


# What is claimed


def test_a_reference_ahead_is_told_with_its_nearest_competitor(tmp_path: Path) -> None:
    """Of transpose: resize is 6 % and bilinear 10 % worse, without noise: p is 2/2^8, and twice that by Holm."""
    decoders = ("decoder=transpose", "decoder=bilinear", "decoder=resize")
    reviewed = of(make(tmp_path / "s", decoders, seeds=range(8), noise=0.0))
    (answer,) = reviewed.answers
    assert answer.headline == "decoder=transpose is better than all 2 others"
    assert "On the same 8 seeds the nearest, decoder=resize, is 0.0002" in answer.sentences[1]
    assert "(6.0 %) above it, 95 % interval ±0.0000" in answer.sentences[1]
    assert "sign-flip p = 0.0078, 0.0156 after Holm's correction" in answer.sentences[1]
    assert [(fact.term, fact.value) for fact in answer.facts[1:3]] == [
        ("The nearest, decoder=resize", "6.0 % higher"),
        ("Is that claim supported?", "Yes"),
    ]


def test_all_others_are_those_of_the_same_reference_alone(tmp_path: Path) -> None:
    axes = ("encoder=maxpool", "encoder=strided"), ("decoder=transpose", "decoder=bilinear", "decoder=resize")
    reviewed = of(make(tmp_path / "s", *axes, seeds=range(9), noise=0.0), "decoder=transpose")
    assert reviewed.headline == "encoder=maxpool, decoder=transpose is better than the 2 compared with it"


@pytest.mark.parametrize("reference", ["decoder=resize", "decoder=transpose"])
def test_what_is_not_finite_is_not_compared(tmp_path: Path, reference: str) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(6))
    set_metric(jobs(folder)[-1], "test/mse", None)  # of resize
    reviewed = of(folder, reference)
    assert reviewed.comparison["verdict"].tolist() == ["not finite: nothing to compare"]
    said = " ".join([reviewed.answers[0].headline, *reviewed.answers[0].sentences])
    assert "can come from the seeds alone" not in said
    assert "no finite test/mse" in said if reference == "decoder=resize" else "Not compared" in said
    assert fact(reviewed).value in ("Cannot be told", "Against 0 of 1")


def test_a_metric_that_is_nowhere_finite_still_makes_a_report(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(2))
    html = page.render(of(folder, metric="init/shift_consistency_4"))
    assert "No configuration has a finite init/shift_consistency_4" in html
    specifications = html.split('id="specifications">')[1].split("</script>")[0]
    json.loads(specifications, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert "Quality against cost" not in html


def test_older_runs_without_all_costs_are_answered_too(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(2))
    for job in jobs(folder):
        rewrite(job, lambda summary: summary.update(cost={"num_params": 1234}))
    reviewed = of(folder, "decoder=resize")
    assert "1,234 parameters, – multiply-adds an image" in reviewed.answers[0].sentences[-1]
    page.render(reviewed)


# Lost and ill seeds


def test_lost_and_ill_seeds_are_told_with_their_configuration(tmp_path: Path) -> None:
    """3 decoders × 8 seeds: transpose loses 3, resize has 2 ill ones, subpixel has no result at all."""
    folder = make(tmp_path / "s", DECODERS, seeds=range(8), noise=0.0)
    transpose, resize, subpixel = jobs(folder)[:8], jobs(folder)[8:16], jobs(folder)[16:]
    for job in (*transpose[:2], *subpixel):
        spoil(job, "diverged", "the loss became nan")
    shutil.rmtree(transpose[7])
    for job, epoch in ((resize[0], 1), (resize[3], 2)):
        rewrite(job, lambda summary, epoch=epoch: summary.update(health={"constant output": epoch}))  # type: ignore[misc]
    reviewed = of(folder, "decoder=resize")
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
    assert "No run of decoder=subpixel came to a result (8 diverged)." in report
    html = page.render(reviewed)
    assert '<span class="tag warn">2 of 8 seeds diverged</span>' in html
    assert "No run of decoder=subpixel came to a result (8 diverged)." in html
    results = tables.results(reviewed.sweep)
    ill = results[results["health"].fillna("") != ""]
    assert ill["health"].tolist() == ["constant output, since epoch 1", "constant output, since epoch 2"]


# report.md


def test_the_words_leave_out_what_says_nothing(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(3))
    for job in jobs(folder):
        set_metric(job, "test/flat_field_ripple_1", 0.0)
    report = markdown.write(of(folder, "decoder=transpose", "test/psnr"))
    header, _, row, *_ = report[report.index("| configuration") :].splitlines()
    columns = dict(zip(header.split(" | "), row.split(" | "), strict=True))
    assert "cost/index_bits" not in columns
    assert "test/flat_field_ripple_1" not in columns
    assert columns["cost/num_params"] == "9,567"
    assert "± 0 " not in report
    assert list(columns)[2] == "test/psnr"
    assert f"this report: `python report.py {folder} reference=decoder=transpose metric=test/psnr`" in report
