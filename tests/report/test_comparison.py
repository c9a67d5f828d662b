"""The paired comparison: what is compared with what, and what may be claimed."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers.sweep_folders import EFFECTS, change, jobs, make, spoil
from hourglass.core.errors import ConfigError
from hourglass.report.analysis import comparison, verdicts
from hourglass.report.analysis.review import review
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize", "decoder=subpixel")


def test_pairs_are_within_configurations_that_are_equal_but_for_the_reference(sweep: runs.Sweep) -> None:
    table = comparison.paired(sweep, "decoder=resize").set_index("label")
    assert len(table) == 4
    for encoder in ("maxpool", "strided"):
        for decoder in ("transpose", "subpixel"):
            row = table.loc[f"encoder={encoder}, decoder={decoder}"]
            assert row["reference"] == f"encoder={encoder}, decoder=resize"
            mse = {
                (run.choices["decoder"], run.seed): run.metrics["test/mse"]
                for run in sweep.runs
                if run.choices["encoder"] == encoder
            }
            differences = [mse[decoder, seed] - mse["resize", seed] for seed in range(6)]
            assert row["differences"] == pytest.approx(differences)
            assert row["difference"] == pytest.approx(np.mean(differences))
            assert row["reference mean"] == pytest.approx(np.mean([mse["resize", seed] for seed in range(6)]))
            assert row["relative"] == pytest.approx(row["difference"] / row["reference mean"])
            assert (row["pairs"], row["smallest_p"]) == (6, 2**-5)
    assert math.isnan(comparison.paired(sweep, "decoder=resize", "test/psnr")["relative"].iloc[0])  # decibels
    first = comparison.paired(sweep)  # every other one against the first that ran
    assert len(first) == 5
    assert set(first["reference"]) == {"encoder=maxpool, decoder=transpose"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("decoder=resise", r"decoder=resise is not among what was swept: did you mean decoder=resize"),
        ("decodr=resize", r": did you mean decoder=resize"),
        ("resize", r": did you mean decoder=resize"),
        (
            "latent=dense",
            r"; there are encoder=maxpool, encoder=strided, decoder=transpose, decoder=resize, decoder=sub",
        ),
        (
            "decoder=resize,encoder=avgpool",
            r"encoder=avgpool is not among what was swept: did you mean encoder=maxpool",
        ),
    ],
)
def test_a_reference_that_was_not_swept_is_refused_with_what_was(sweep: runs.Sweep, wrong: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        comparison.paired(sweep, wrong)


def test_tasks_are_not_compared_unless_asked_for(tmp_path: Path) -> None:
    axes = ("corruption.std=0.1", "corruption.std=0.2"), DECODERS[:2]
    sweep = runs.read(make(tmp_path / "s", *axes, seeds=[0], fixed=["model=denoising"]))
    of_first = comparison.paired(sweep)
    assert of_first["label"].tolist() == [f"decoder=resize, corruption.std=0.{i}" for i in (1, 2)]
    assert of_first["reference"].tolist() == [f"decoder=transpose, corruption.std=0.{i}" for i in (1, 2)]
    asked = comparison.paired(sweep, "corruption.std=0.1")
    assert asked["label"].tolist() == [f"decoder={decoder}, corruption.std=0.2" for decoder in ("transpose", "resize")]


def test_the_comparisons_of_all_tasks_are_one_family(tmp_path: Path) -> None:
    axes = ("corruption.std=0.1", "corruption.std=0.2"), DECODERS
    sweep = runs.read(make(tmp_path / "s", *axes, seeds=range(9), fixed=["model=denoising"], noise=0.0))
    table = comparison.paired(sweep)
    assert table["p"].tolist() == [2**-8] * 4
    assert table["p_holm"].tolist() == [4 * 2**-8] * 4


def test_a_preset_with_another_task_has_no_pair(tmp_path: Path) -> None:
    sweep = runs.read(make(tmp_path / "s", ("model=conv", "model=denoising"), seeds=[0]))
    (row,) = comparison.paired(sweep).to_dict("records")
    assert (row["pairs"], row["verdict"][:7]) == (0, "no pair")


def test_only_the_same_seeds_on_the_same_images_are_pairs(small: Path) -> None:
    fourth = jobs(small)[3]
    assert comparison.paired(runs.read(small))["seeds"].tolist() == [[0, 1]]
    change(fourth, data={"fingerprint": "0ther000"})
    assert comparison.paired(runs.read(small))["seeds"].tolist() == [[0]]
    shutil.rmtree(jobs(small)[0])
    table = comparison.paired(runs.read(small), "decoder=transpose")
    assert table["seeds"].tolist() == [[]]
    assert table["verdict"].iloc[0].startswith("no pair")
    assert math.isnan(table["p"].iloc[0])


@pytest.mark.parametrize(
    ("pairs", "difference", "p_holm", "p_equivalent", "comparisons", "direction", "says"),
    [
        (5, -1.0, 0.0625, 0.001, 1, "lower", "not enough seeds to claim"),
        (6, -1.0, 0.03125, math.nan, 1, "lower", "better"),
        (6, 1.0, 0.03125, 0.06, 1, "lower", "worse"),
        (6, 1.0, 0.03125, math.nan, 1, "higher", "better"),
        (6, -1.0, 0.0625, math.nan, 2, "lower", "not enough seeds (2 comparisons)"),
        (6, -1.0, 0.0625, 0.04, 2, "lower", "equivalent"),
        (8, -1.0, 0.03, 0.04, 6, "lower", "equivalent: the difference is real but smaller than the margin"),
        (8, -1.0, 0.2, 0.05, 6, "lower", "not shown"),
        (8, -1.0, 0.2, math.nan, 6, "lower", "not shown"),
        (8, -1.0, 0.2, math.nan, 7, "lower", "not enough seeds (7 comparisons)"),
        (8, math.nan, math.nan, math.nan, 1, "lower", "not finite: nothing to compare"),
    ],
)
def test_the_verdict(
    pairs: int, difference: float, p_holm: float, p_equivalent: float, comparisons: int, direction: str, says: str
) -> None:
    assert verdicts.verdict(pairs, difference, p_holm, p_equivalent, comparisons, direction) == says


def test_the_truth_behind_a_made_up_sweep_is_found(tmp_path: Path) -> None:
    """subpixel is made 3 % better and resize 6 % worse than transpose, under seeds that spread by 5 %."""
    sweep = runs.read(make(tmp_path / "s", DECODERS, seeds=range(8), noise=0.005))
    table = comparison.paired(sweep, "decoder=transpose").set_index("label")
    assert table["verdict"].to_dict() == {"decoder=resize": "worse", "decoder=subpixel": "better"}
    assert table["relative"].to_dict() == pytest.approx({"decoder=resize": 0.06, "decoder=subpixel": -0.03}, abs=0.01)
    assert table["p_holm"].tolist() == [2 / 128, 2 / 128]


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        ([], ["worse", "better", "equivalent"]),
        (["subpixel"], ["worse", "withheld: 1 of its seeds diverged", "equivalent"]),
        (
            ["transpose"],
            ["withheld: 1 of the reference's diverged", "better", "withheld: 1 of the reference's diverged"],
        ),
        (["resize", "nearest"], ["worse", "better", "withheld: 1 of its seeds diverged"]),
        (
            ["transpose", "nearest"],
            ["withheld: 1 of the reference's diverged", "better",
             "withheld: 1 of its seeds and 1 of the reference's diverged"],
        ),
    ],
)  # fmt: skip
def test_what_a_seed_that_diverged_could_flatter_is_not_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: list[str], says: list[str]
) -> None:
    """11 seeds, so that 10 pairs are left; a run that diverged is worse than any."""
    monkeypatch.setitem(EFFECTS, "nearest", 1.0)
    decoders = ("transpose", "resize", "subpixel", "nearest")
    folder = make(tmp_path / "s", [f"decoder={name}" for name in decoders], seeds=range(11), noise=0.002)
    for name in lost:
        spoil(jobs(folder)[11 * decoders.index(name)], "diverged", "the loss became nan")
    table = comparison.paired(runs.read(folder), "decoder=transpose", equivalent_within="2 %")
    assert [verdict.split(": the difference is real")[0] for verdict in table["verdict"]] == says


def test_a_comparison_that_lost_its_runs_still_counts(tmp_path: Path) -> None:
    """Holm's correction is over all that was to be compared, whether or not something came of it."""
    folder = make(tmp_path / "s", [*DECODERS, "decoder=bilinear"], seeds=range(8))
    smallest = 2**-7
    table = comparison.paired(runs.read(folder), "decoder=transpose").set_index("label")
    assert table.loc["decoder=bilinear", "p_holm"] == pytest.approx(3 * smallest)
    change(jobs(folder)[8], metrics={"test/mse": None})  # one of resize is not finite
    for job in jobs(folder)[16:24]:
        spoil(job, "diverged", "the loss became nan")  # all of subpixel
    table = comparison.paired(runs.read(folder), "decoder=transpose").set_index("label")
    assert table["verdict"].str[:10].to_dict() == {"decoder=resize": "not finite", "decoder=bilinear": "worse"}
    assert table.loc["decoder=bilinear", "p_holm"] == pytest.approx(3 * smallest)
    for job in jobs(folder)[16:24]:
        spoil(job, "incompatible", "no such pair")  # that was never a comparison
    table = comparison.paired(runs.read(folder), "decoder=transpose").set_index("label")
    assert table.loc["decoder=bilinear", "p_holm"] == pytest.approx(2 * smallest)


def test_comparisons_that_lost_their_reference_still_count(tmp_path: Path) -> None:
    """Two decoders against a third, with either encoder: four comparisons, of which two have nobody to be held against,
    and one that has lost its own runs too."""
    folder = make(tmp_path / "s", ["encoder=maxpool", "encoder=strided"], [*DECODERS], seeds=range(8))
    for job in jobs(folder)[24:32]:
        spoil(job, "diverged", "the loss became nan")  # strided, transpose: the reference
    for lost in ([], jobs(folder)[32:40]):  # strided, resize
        for job in lost:
            spoil(job, "diverged", "the loss became nan")
        table = comparison.paired(runs.read(folder), "decoder=transpose")
        assert (table["p_holm"].dropna() / table["p"].dropna()).tolist() == [4, 4]


def test_ranks_that_are_declared_to_be_tasks_are_not_held_against_each_other(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", ["encoder.dim=8", "encoder.dim=16"], seeds=range(6), fixed=["model=linear"])
    assert len(comparison.paired(runs.read(folder))) == 1
    content = json.loads((folder / "sweep.json").read_text())
    content["invocations"][0]["declared"] = {"primary": "test/mse", "tasks": "[encoder.dim]"}
    (folder / "sweep.json").write_text(json.dumps(content))
    reviewed = review(runs.read(folder))
    assert len(reviewed.comparison) == 0
    assert [answer.task for answer in reviewed.answers] == ["encoder.dim=8", "encoder.dim=16"]
    assert reviewed.headline == "2 tasks, and nothing to compare within them"


def test_a_reference_is_one_configuration(sweep: runs.Sweep) -> None:
    with pytest.raises(ConfigError, match="names a key twice: say one value of each"):
        comparison.paired(sweep, "decoder=resize,decoder=transpose")
