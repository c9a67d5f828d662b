"""The tables of a report: leaderboard, Pareto front, heat map, provenance."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.sweep_folders import change, jobs, make, make_run
from hourglass.core.errors import ConfigError
from hourglass.report.analysis import tables
from hourglass.report.analysis.measures import Measures
from hourglass.report.reading import runs
from hourglass.report.reading.run import value_of


def test_the_leaderboard_has_mean_interval_and_seeds(sweep: runs.Sweep) -> None:
    board = tables.leaderboard(sweep)
    assert len(board) == 6
    assert board["test/mse"].is_monotonic_increasing
    assert tables.leaderboard(sweep, "test/psnr")["test/psnr"].is_monotonic_decreasing
    row = board.iloc[0]
    values = [run.metrics["test/mse"] for run in sweep.runs if run.id in row["ids"]]
    assert row["test/mse values"] == values
    assert row["seeds"] == list(range(6)) == list(range(row["n"]))
    assert row["test/mse"] == pytest.approx(np.mean(values))
    assert row["test/mse ±"] == pytest.approx(2.5706 * np.std(values, ddof=1) / math.sqrt(6), rel=1e-4)
    assert {"encoder", "decoder", "cost/num_params", "ratio/pool_nearest", "baseline/pca", "real/phase_bias_2"} <= set(
        board
    )
    assert board["init/shift_consistency_4"].isna().all()  # not finite: it is not averaged away
    with pytest.raises(ConfigError, match=r"metric=flops was not measured in these runs; there are .* and \d+ more$"):
        tables.leaderboard(sweep, "flops")
    with pytest.raises(ConfigError, match=r"metric=test/mes was not measured in these runs: did you mean test/mse\?"):
        tables.leaderboard(sweep, "test/mes")


def test_one_seed_has_no_interval_and_widths_are_shown_where_they_differ(small: Path) -> None:
    _, two, *rest = jobs(small)
    for job in rest:
        change(job, channels=[12, 24])
    shutil.rmtree(two)
    board = tables.leaderboard(runs.read(small)).set_index("label")
    assert math.isnan(board.loc["decoder=transpose", "test/mse ±"])
    assert board["channels"].to_dict() == {"decoder=transpose": "[16,32]", "decoder=resize": "[12,24]"}


def test_the_front_and_the_heat_map(sweep: runs.Sweep) -> None:
    board = pd.DataFrame({"cost/num_params": [1, 2, 3, 3, 2, 1], "test/mse": [5, 3, 2, 2, 4, math.nan]})
    assert tables.pareto(board, "cost/num_params", "test/mse", Measures({})).tolist() == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    board = pd.DataFrame({"cost/images_per_second": [9, 5, 1], "test/psnr": [20, 25, 24]})
    assert tables.pareto(board, "cost/images_per_second", "test/psnr", Measures({})).tolist() == [True, True, False]
    heat = tables.heatmap(sweep)
    assert heat is not None
    assert (list(heat.index), list(heat)) == (["maxpool", "strided"], ["transpose", "resize", "subpixel"])
    board = tables.leaderboard(sweep).set_index(["encoder", "decoder"])["test/mse"]
    assert all(heat.loc[encoder, decoder] == pytest.approx(board[encoder, decoder]) for encoder, decoder in board.index)


def test_the_heat_map_holds_all_else_at_one_value(tmp_path: Path) -> None:
    """Two kernel sizes of one decoder are not averaged, and a decoder without such a key keeps its place."""
    folder = tmp_path / "s"
    for encoder in ("maxpool", "strided"):
        for more in (["decoder=resize"], ["decoder=transpose"], ["decoder=transpose", "decoder.kernel_size=4"]):
            make_run(folder, [f"encoder={encoder}", *more], seed=0)
    sweep = runs.read(folder)
    heat = tables.heatmap(sweep)
    assert heat is not None
    key, held = heat.attrs["where"].split("=")
    assert key == "decoder.kernel_size"
    for run in sweep.runs:
        if run.choices["decoder"] == "resize" or value_of(run, key) == held:
            assert heat.loc[run.choices["encoder"], run.choices["decoder"]] == run.metrics["test/mse"]


def test_what_was_not_swept_has_no_heat_map(small: Path) -> None:
    assert tables.heatmap(runs.read(small)) is None


def test_where_the_numbers_come_from(sweep: runs.Sweep) -> None:
    facts = tables.provenance(sweep)
    assert facts["seeds"] == list(range(6))
    assert facts["versions"]["torch"] == ["2.14.1"]
    assert facts["data"] == {"mnist5k c0ffee00: 4,000 train, 500 val, 500 test": 36}
    assert facts["statuses"] == {"completed": 36}
    assert "seed=0,1,2,3,4,5" in facts["invocations"][0]["command"]


def test_the_tightest_baseline_of_each_task_is_shown(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", ["corruption=gaussian", "corruption=block"], seeds=range(2))
    for job, tightest in zip(jobs(folder), ("wiener_curve", "wiener_curve", "affine", "affine"), strict=True):
        change(job, ratios={"mean_image": 0.2, tightest: 1.3})
    board = tables.leaderboard(runs.read(folder))
    shown = tables.key_columns(board, "test/mse", Measures({}))
    assert {name for name in shown if name.startswith("ratio/")} == {"ratio/wiener_curve", "ratio/affine"}
    one = board[board["label"].str.contains("block")]
    assert [name for name in tables.key_columns(one, "test/mse", Measures({})) if "ratio/" in name] == ["ratio/affine"]


def test_a_latency_is_the_least_of_the_runs(tmp_path: Path) -> None:
    """Other work on the machine can only raise it, or the memory."""
    folder = make(tmp_path / "s", ["decoder=resize"], seeds=range(3))
    for job, latency in zip(jobs(folder), (11.0, 4.0, 49.0), strict=True):
        cost = json.loads((job / "summary.json").read_text())["cost"]
        change(job, cost=cost | {"latency_ms": latency, "train_seconds": latency})
    (row,) = tables.leaderboard(runs.read(folder)).to_dict("records")
    assert (row["cost/latency_ms"], row["cost/train_seconds"]) == (4.0, pytest.approx(64 / 3))
    assert np.isnan(row["cost/latency_ms ±"])
    assert row["cost/latency_ms values"] == [11.0, 4.0, 49.0]
