"""What a report says of tuning and of budgets, against tables that are known."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from plotly import graph_objects

from helpers import sweep_folders
from helpers.tuned_folders import run, write
from hourglass.core.files import write_json
from hourglass.report import markdown
from hourglass.report.analysis.review import review
from hourglass.report.analysis.tuning import turns
from hourglass.report.page import render
from hourglass.report.page.budgets import budgets
from hourglass.report.page.tuning import tuning
from hourglass.report.reading import runs

AUDIT = {
    "transpose": {"0.0025": 0.00709, "0.005": 0.00533, "0.01": 0.00441},
    "resize": {"0.0025": 0.00622, "0.005": 0.00572, "0.01": 0.00637},
}
"""Test MSE of an audit: 14 % lower at the smallest learning rate, 31 % lower the other way at the largest."""
SEEDS, REPORTED = [1000, 1001, 1002], range(6)


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    jobs: dict[str, Any] = {}
    for decoder, table in AUDIT.items():
        for lr, mse in table.items():
            for seed in SEEDS:
                jobs |= run(tmp_path, [f"decoder={decoder}", f"optimizer.lr={lr}", "reported=false"], seed, mse)
        best = min(table, key=table.__getitem__)
        for seed in REPORTED:
            jobs |= run(tmp_path, [f"decoder={decoder}", f"optimizer.lr={best}"], seed, table[best])
    asked = {"keys": ["optimizer.lr"], "seeds": SEEDS, "metric": "val/mse"}
    return write(tmp_path, jobs, tuning=asked)


def test_the_audits_table_again(tuned: Path) -> None:
    reviewed = review(runs.read(tuned), "decoder=transpose")
    assert len(reviewed.sweep.runs) == 12
    assert reviewed.sweep.varied == ["decoder"]
    assert list(reviewed.board["n"]) == [6, 6]
    over = reviewed.tuned
    assert over
    relative = over.again["relative"].astype(float)
    expected = {lr: AUDIT["resize"][lr] / AUDIT["transpose"][lr] - 1 for lr in AUDIT["resize"]}
    assert dict(zip(over.again["value"], relative, strict=True)) == pytest.approx(expected)
    assert list(over.again["pairs"]) == [3, 3, 3]
    chosen, edge, turns = over.sentences
    assert chosen == (
        "Tuned by val/mse on 3 seeds of their own: optimizer.lr=0.01 for decoder=transpose; "
        "optimizer.lr=0.005 for decoder=resize."
    )
    assert edge.startswith("The best optimizer.lr of decoder=transpose lies at the edge of the grid")
    assert turns == (
        "At optimizer.lr 0.0025 decoder=resize is 12.3 % better than decoder=transpose, at 0.005 7.3 % worse ("
        "test/mse, mean of 3 tuning seeds): the sign turns with optimizer.lr."
    )
    means = {(row["label"], row["value"]): row["mean"] for row in over.curves.to_dict("records")}
    assert means["decoder=resize", "0.005"] == pytest.approx(1.1 * 0.00572 * 1.01, rel=0.01)


def test_the_sign_that_does_not_turn_and_a_value_that_diverged(tuned: Path) -> None:
    for path in sweep_folders.jobs(tuned):
        given = json.loads((path / "summary.json").read_text())["overrides"]
        if "decoder=resize" in given and "optimizer.lr=0.0025" in given:
            sweep_folders.spoil(path, "diverged", "the loss became nan")
    reviewed = review(runs.read(tuned), "decoder=transpose")
    assert not reviewed.sweep.others  # that tuning runs diverge is no lost result
    assert reviewed.tuned
    assert reviewed.tuned.sentences[-1] == (
        "decoder=resize is worse than decoder=transpose at every optimizer.lr from 0.005 to 0.01 that both have ("
        "test/mse, mean of 3 tuning seeds): the sign does not turn with optimizer.lr. Nothing can be compared at "
        "0.0025: decoder=resize: 3 of 3 seeds without a result."
    )


def test_what_diverged_with_every_value_counts_and_is_named(tuned: Path) -> None:
    """Its comparison was planned: 2 of them with 6 seeds, and 2 · 2⁻⁵ is no claim. Its command took a key away."""
    jobs = json.loads((tuned / "sweep.json").read_text(encoding="utf-8"))["jobs"]
    for lr in AUDIT["resize"]:
        for seed in SEEDS:
            one = ["decoder=subpixel", f"optimizer.lr={lr}", "reported=false", "~callbacks.health"]
            jobs |= run(tuned, one[:3], seed, 0.005)
            identity = list(jobs)[-1]
            jobs[identity] = {"overrides": [*one, f"seed={seed}"]}
            sweep_folders.spoil(tuned / identity, "diverged", "loss is nan")
    write(tuned, jobs, tuning={"keys": ["optimizer.lr"], "seeds": SEEDS, "metric": "val/mse"})
    reviewed = review(runs.read(tuned), "decoder=resize")
    (row,) = reviewed.comparison.to_dict("records")
    assert row["p_holm"] == 2 * row["p"] == 2**-4
    assert reviewed.sweep.without_runs == ["decoder=subpixel, ~callbacks.health (9 diverged)"]
    assert "No run was completed for decoder=subpixel" in markdown.write(reviewed)


@pytest.mark.parametrize(
    ("sides", "says"),
    [
        (["", ""], "decoder=x cannot be compared with decoder=resize at optimizer.lr 0.1, 0.2: lost."),
        (["better", "equal", "worse"], "At optimizer.lr 0.1 decoder=x is 10.0 % better than decoder=resize, at 0.3 10"),
        (
            ["better", "equal", "better"],
            "decoder=x is better than or equal to decoder=resize at every optimizer.lr",
        ),
        (["equal", ""], "decoder=x is neither better nor worse than decoder=resize at optimizer.lr 0.1 ("),
    ],
)
def test_a_sentence_on_the_sign_says_no_more_than_is_there(sides: list[str], says: str) -> None:
    rows = [
        {"label": "decoder=x", "reference": "decoder=resize", "value": f"0.{number}", "side": side,
         "trouble": "" if side else "lost", "relative": 0.1, "difference": 0.1}
        for number, side in enumerate(sides, 1)
    ]  # fmt: skip
    (sentence,) = turns(pd.DataFrame(rows), ["optimizer.lr"], "test/mse", 2)
    assert sentence.startswith(says)


@pytest.mark.slow
def test_declared_tasks_are_tasks_of_the_tuning_too(tmp_path: Path) -> None:
    jobs: dict[str, Any] = {}
    for latent, factor in (("dense", 1.1), ("gaussian", 1.0)):
        for dim in (8, 16):
            one = [f"latent={latent}", f"latent.dim={dim}", "optimizer.lr=0.005"]
            for seed in SEEDS:
                jobs |= run(tmp_path, [*one, "reported=false"], seed, factor * 0.005)
            for seed in REPORTED:
                jobs |= run(tmp_path, one, seed, factor * 0.005)
    asked = {"keys": ["optimizer.lr"], "seeds": SEEDS, "metric": "val/mse"}
    write(tmp_path, jobs, tuning=asked, declared={"primary": "test/mse", "tasks": "[latent.dim]"})
    over = review(runs.read(tmp_path)).tuned
    assert over
    assert len(over.again) == 2
    assert set(over.again["side"]) == {"better"}


def test_runs_of_a_value_that_is_no_longer_the_best_are_left_out(tuned: Path) -> None:
    content = json.loads((tuned / "sweep.json").read_text())
    later: dict[str, Any] = {}
    for seed in range(3):
        later |= run(tuned, ["decoder=resize", "optimizer.lr=0.0025"], seed, 0.005)
    content["jobs"] |= later
    content["invocations"].append(content["invocations"][0] | {"jobs": list(later)})
    write_json(tuned / "sweep.json", content)
    sweep = runs.read(tuned)
    assert [problem.status for problem in sweep.others] == ["superseded"] * 6
    assert not sweep.lost
    assert {run.seed for run in sweep.runs if run.choices["decoder"] == "resize"} == {0, 1, 2}


def test_figures_and_tables_of_tuning(tuned: Path) -> None:
    reviewed = review(runs.read(tuned))
    place = {configuration.label: i for i, configuration in enumerate(reviewed.ranked)}
    figures = tuning(reviewed.tuned, place, reviewed.measures)
    assert [figure.id for figure in figures] == ["tuning", "tuning-again"]
    for figure in figures:
        for variant in figure.variants.values():
            graph_objects.Figure(variant)
        assert all(len(row) == len(figure.columns) for row in figure.rows)
    diamonds = [t for t in figures[0].variants["optimizer.lr"]["data"] if t["marker"].get("symbol") == "diamond"]
    assert sorted(trace["x"][0] for trace in diamonds) == [0.005, 0.01]
    text = markdown.write(reviewed)
    assert "| decoder=resize | 0.005 |" in text
    assert "the sign turns with optimizer.lr" in text
    assert "the sign turns with optimizer.lr" in render.render(reviewed)


LENGTHS = {"250": (0.0071, 0.0062), "1250": (0.0053, 0.0053), "5000": (0.0044, 0.0046)}
"""Steps -> test MSE of transpose and resize"""


@pytest.fixture
def lengths(tmp_path: Path) -> Path:
    jobs: dict[str, Any] = {}
    fixed = ["trainer.max_epochs=-1", "trainer.check_val_every_n_epoch=1000000000"]
    for decoder, steps in ((d, s) for d in (0, 1) for s in LENGTHS):
        for seed in REPORTED:
            overrides = [f"decoder={('transpose', 'resize')[decoder]}", f"trainer.max_steps={steps}", *fixed]
            jobs |= run(tmp_path, overrides, seed, LENGTHS[steps][decoder])
    return write(tmp_path, jobs)


def test_differences_over_the_budget_are_taken_within_one(lengths: Path) -> None:
    reviewed = review(runs.read(lengths))
    assert reviewed.sweep.varied == ["decoder", "trainer.max_steps"]
    compared = reviewed.comparison
    assert len(compared) == 3
    for row in compared.to_dict("records"):
        assert row["label"].split("max_steps=")[1] == row["reference"].split("max_steps=")[1]
    over = reviewed.budgets
    assert over
    assert list(over.table["steps"]) == [250, 1250, 5000]
    assert over.table["relative"].astype(float).round(4).tolist() == [round(r / t - 1, 4) for t, r in LENGTHS.values()]
    assert over.sentences == [
        "From 250 to 5,000 steps decoder=resize goes from 12.7 % better than decoder=transpose to 4.5 % worse ("
        "test/mse, each budget a run of its own): the sign turns with the budget."
    ]
    figure = budgets(over)
    assert figure
    graph_objects.Figure(figure.variants[""])
    (line,) = [trace for trace in figure.variants[""]["data"] if trace["showlegend"]]
    assert line["x"] == [250, 1250, 5000]
    assert line["y"] == pytest.approx([-12.68, 0, 4.545], abs=0.01)
    assert "Difference over the budget" in render.render(reviewed)
    assert "the sign turns with the budget" in markdown.write(reviewed)


@pytest.mark.slow
def test_a_sign_that_turns_and_turns_back_is_told_by_what_lies_between(tmp_path: Path) -> None:
    jobs: dict[str, Any] = {}
    fixed = ["trainer.max_epochs=-1", "trainer.check_val_every_n_epoch=1000000000"]
    for decoder, errors in {"transpose": (0.01, 0.01, 0.01), "resize": (0.008, 0.011, 0.005)}.items():
        for steps, mse in zip(("16", "64", "256"), errors, strict=True):
            for seed in REPORTED:
                jobs |= run(tmp_path, [f"decoder={decoder}", f"trainer.max_steps={steps}", *fixed], seed, mse)
    over = review(runs.read(write(tmp_path, jobs)), "decoder=transpose").budgets
    assert over
    assert over.sentences == [
        "From 16 to 256 steps decoder=resize goes from 20.0 % better than decoder=transpose, by way of 10.0 % worse at "
        "64, to 50.0 % better (test/mse, each budget a run of its own): the sign turns with the budget."
    ]
