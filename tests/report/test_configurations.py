"""What was swept, found from the configurations; and what belongs to another task."""

from pathlib import Path

import pytest

from helpers.sweep_folders import jobs, make, make_run, update_metrics
from hourglass.core.errors import ConfigError
from hourglass.report import markdown
from hourglass.report.analysis import comparison, tables
from hourglass.report.analysis.review import Review, review
from hourglass.report.page import render
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize", "decoder=subpixel")
CORRUPTIONS = ("corruption=gaussian", "corruption=none", "corruption=block")


def review_of(folder: Path, reference: str | None = None) -> Review:
    return review(runs.read(folder), reference)


@pytest.mark.parametrize(
    ("axes", "fixed", "varied", "labels"),
    [
        ([DECODERS[:2]], [], ["decoder"], ["decoder=transpose", "decoder=resize"]),
        (
            [("channels=[16,32]", "channels=[8]")],
            ["decoder=resize"],
            ["channels"],
            ["channels=[16,32]", "channels=[8]"],
        ),
        ([("encoder.kernel_size=3", "encoder.kernel_size=null")], ["encoder=strided"], ["encoder.kernel_size"], None),
        ([("data.num_workers=0", "data.num_workers=2")], [], [], ["encoder=maxpool, decoder=transpose"]),
        ([("model=conv", "model=linear")], [], ["model"], ["model=conv", "model=linear"]),
        ([("experiment=linear_vs_pca", "experiment=dense_code")], [], ["experiment"], None),
        ([("optimizer=adam", "optimizer=sgd")], [], ["optimizer"], None),
        (
            [("decoder.positions=rows", "decoder.positions=kept")],  # kept: left out of what makes an id
            ["decoder=max_unpool"],
            ["decoder.positions"],
            None,
        ),
        (
            [("callbacks=default", "callbacks=early_stopping")],
            [],
            ["callbacks.early_stopping.monitor"],
            ["encoder=maxpool, decoder=transpose", "callbacks.early_stopping.monitor=val/loss"],
        ),
    ],
    ids=lambda value: None,
)
def test_what_was_swept_is_found_from_the_configurations(
    axes: list[tuple[str, ...]], fixed: list[str], varied: list[str], labels: list[str] | None, tmp_path: Path
) -> None:
    sweep = runs.read(make(tmp_path / "s", *axes, seeds=[0, 1], fixed=fixed))
    assert sweep.varied == varied
    found = sweep.configurations
    assert [c.label for c in found] == (labels or list(axes[0]))
    assert sum(len(c.runs) for c in found) == len(sweep.runs)


def test_values_below_a_choice_are_shown_where_they_differ_within_it(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    for overrides in (["decoder=resize"], ["decoder=transpose"], ["decoder=transpose", "decoder.kernel_size=4"]):
        make_run(folder, overrides, seed=0)
    sweep = runs.read(folder)
    assert sweep.varied == ["decoder", "decoder.kernel_size"]
    assert {c.label for c in sweep.configurations} == {
        "decoder=resize",
        "decoder=transpose, decoder.kernel_size=null",
        "decoder=transpose, decoder.kernel_size=4",
    }
    with pytest.raises(
        ConfigError, match=r"ambiguous: say reference=decoder=transpose,decoder.kernel_size=(null|4) or"
    ):
        comparison.paired(sweep, "decoder=transpose")
    assert set(comparison.paired(sweep, "decoder=resize")["reference"]) == {"decoder=resize"}
    named = comparison.paired(sweep, "decoder=transpose,decoder.kernel_size=4")
    assert set(named["label"]) == {"decoder=resize", "decoder=transpose, decoder.kernel_size=null"}


def test_options_that_both_sides_have_are_compared_at_the_same_value(tmp_path: Path) -> None:
    sweep = runs.read(make(tmp_path / "s", ["latent=dense", "latent=wae"], ["latent.dim=4", "latent.dim=8"]))
    make_run(sweep.folder, ["latent=wae", "latent.dim=16"], seed=0)
    sweep = runs.read(sweep.folder)
    found = comparison.paired(sweep, "latent=dense").set_index("label")["reference"].to_dict()
    alike = {f"latent=wae, latent.dim={dim}": f"latent=dense, latent.dim={dim}" for dim in (4, 8)}
    assert found == alike | {"latent=wae, latent.dim=16": ""}


def test_where_tasks_alone_were_varied_nothing_is_compared(tmp_path: Path) -> None:
    reviewed = review_of(make(tmp_path / "s", CORRUPTIONS, seeds=range(6), fixed=["model=denoising"]))
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
    assert "best mean" not in render.render(reviewed).split("<main>")[1]


def test_a_reference_that_names_a_task_makes_one_family_and_one_answer(tmp_path: Path) -> None:
    """With 6 seeds the smallest p is 1/32: enough for one comparison, not for two."""
    folder = make(tmp_path / "s", CORRUPTIONS, seeds=range(6), fixed=["model=denoising"])
    for job, run in zip(jobs(folder)[6:], runs.read(folder).runs[6:], strict=True):  # far better, on every seed
        update_metrics(job, {"test/mse": run.metrics["test/mse"] / 2})
    reviewed = review_of(folder, "corruption=gaussian")
    assert reviewed.comparison["p"].tolist() == [1 / 32, 1 / 32]
    assert reviewed.comparison["p_holm"].tolist() == [1 / 16, 1 / 16]
    assert set(reviewed.comparison["verdict"]) == {"not enough seeds (2 comparisons)"}
    (answer,) = reviewed.answers
    assert answer.task == ""
    assert answer.best in CORRUPTIONS[1:]


def test_a_presets_task_is_a_task_of_its_own(tmp_path: Path) -> None:
    reviewed = review_of(make(tmp_path / "s", ("model=conv", "model=denoising"), seeds=[0]))
    tasks = ["data=mnist5k, corruption=none", "data=mnist5k, corruption=gaussian"]
    assert [answer.task for answer in reviewed.answers] == tasks
    assert all(answer.best is None for answer in reviewed.answers)


def test_images_drawn_for_each_seed_are_not_called_the_same(tmp_path: Path) -> None:
    reviewed = review_of(make(tmp_path / "s", ("data=synthetic", "data=mnist5k"), DECODERS[:2], seeds=range(3)))
    assert tables.provenance(reviewed.sweep)["images"] == [
        "synthetic (3 sets of images, one per seed)",
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
    assert "are the same in all runs:" in markdown.write(review_of(make(tmp_path / "t", DECODERS, seeds=[0])))
