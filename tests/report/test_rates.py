"""The figure of rate against distortion: when there is one, and what is in it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from plotly import graph_objects

from helpers import sweep_folders
from hourglass.core.text import number
from hourglass.report.analysis.measures import Measures
from hourglass.report.analysis.review import review
from hourglass.report.page.figures import pareto_front
from hourglass.report.page.plots import Figure
from hourglass.report.page.rates import rates
from hourglass.report.reading import runs

CURVES = {"pca": [[0.001, 0.07], [0.5, 0.01], [2.0, 1e-3]], "jpeg": [[0.4, 0.02], [3.0, 0.0]]}
DIMS = ("latent.dim=4", "latent.dim=16", "latent.dim=64")


def give(folder: Path, bits: list[float], curves: Any = CURVES) -> None:
    """To the runs of a sweep, in their order."""
    for job, of_job in zip(sweep_folders.jobs(folder), bits, strict=True):
        cost = json.loads((job / "summary.json").read_text())["cost"]
        rate = {"code_bits": of_job, "bits_per_pixel": of_job / 784}
        sweep_folders.change(job, cost=cost | rate, rate_curves=curves)


def figure_of(folder: Path) -> Figure | None:
    return rates(review(runs.read(folder)))


def drawn(figure: Figure | None, variant: str = "MSE") -> dict[str, Any]:
    assert figure
    graph_objects.Figure(figure.variants[variant])  # raises for what Plotly does not know
    return {trace["name"]: trace for trace in figure.variants[variant]["data"]}


def test_three_sizes_of_a_code_with_their_front_and_both_curves(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", DIMS, seeds=[0, 1], fixed=["latent=dense"])
    give(folder, [128.0, 128.0, 512.0, 512.0, 2048.0, 2048.0])
    for job, mse in zip(sweep_folders.jobs(folder), (0.02, 0.02, 0.03, 0.03, 0.01, 0.01), strict=True):
        sweep_folders.update_metrics(job, {"test/mse": mse, "test/psnr": -10 * float(np.log10(mse))})
    figure = figure_of(folder)
    assert figure
    assert list(figure.variants) == ["MSE", "PSNR, dB"]
    traces = drawn(figure)
    assert traces["latent.dim=4"]["x"] == [0.1633]
    assert traces["latent.dim=4"]["y"] == [0.02]
    assert traces["Pareto front"]["y"] == [0.02, 0.01]  # 16 numbers are worse than 4, and dearer
    assert traces["PCA, quantised and entropy-coded"]["x"] == [0.5, 2]  # from 0.02 bits per pixel on
    assert traces["JPEG without its header"]["y"] == [0.02, 0]
    in_decibels = drawn(figure, "PSNR, dB")
    assert in_decibels["PCA, quantised and entropy-coded"]["y"] == [20, 30]
    assert in_decibels["JPEG without its header"]["y"][1] is None  # without an error there is no PSNR
    table = {row[0]: row[1:] for row in figure.rows[:3]}
    assert table["latent.dim=64"] == ["2,048", number(2048 / 784), "0.01 *", "20 *"]
    assert "*" not in "".join(table["latent.dim=16"])
    assert len(figure.rows) == 3 + 3 + 2


def test_the_front_is_what_nothing_beats() -> None:
    """By the definition, over all pairs, with ties."""
    random = np.random.default_rng(0)
    points = [(float(x), float(12 - x + above)) for x, above in random.integers([1, 0], [12, 4], (30, 2))]
    board = pd.DataFrame(points, columns=["cost/bits_per_pixel", "test/mse"]).assign(label=[str(i) for i in range(30)])
    best = {p for p in points if not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points)}
    labels, (line,) = pareto_front(board, "cost/bits_per_pixel", "test/mse", Measures({}))
    assert set(zip(line["x"], line["y"], strict=True)) == best
    assert set(labels) == {str(i) for i, point in enumerate(points) if point in best}
    assert len(best) > 3


def test_positions_count_as_a_cost_beside_any_other() -> None:
    """By hand: b is worse than a at more multiply-adds, and needs none of a's positions; c is beaten by b in all."""
    columns = ["label", "cost/macs_per_image", "test/mse", "cost/index_bits"]
    rows = [("a", 1.0, 0.1, 100.0), ("b", 2.0, 0.2, 0.0), ("c", 3.0, 0.3, 0.0), ("d", 4.0, 0.05, 100.0)]
    board = pd.DataFrame(rows, columns=columns)
    labels, lines = pareto_front(board, "cost/macs_per_image", "test/mse", Measures({}))
    assert labels == ["a", "b", "d"]
    assert [(line["x"], line["line"]["dash"]) for line in lines] == [([2], "dot"), ([1, 4], "dash")]
    assert pareto_front(board.assign(**{"cost/index_bits": 0.0}), "cost/macs_per_image", "test/mse", Measures({}))[
        0
    ] == ["a", "d"]


def test_a_gaussian_code_is_drawn_at_a_sample_of_it_where_that_was_measured(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", ("latent=gaussian", "latent=dense"), seeds=[0, 1])
    give(folder, [60.0, 60.0, 512.0, 512.0])
    for job, sampled in zip(sweep_folders.jobs(folder), (0.03, 0.05, None, None), strict=True):
        more = {} if sampled is None else {"test/sampled_mse": sampled}
        sweep_folders.update_metrics(job, {"test/mse": 0.02, "test/psnr": 17.0, **more})
    figure = figure_of(folder)
    assert [drawn(figure)[f"latent={name}"]["y"] for name in ("gaussian", "dense")] == [[0.04], [0.02]]
    in_decibels = drawn(figure, "PSNR, dB")
    assert in_decibels["latent=gaussian"]["y"] == [pytest.approx(-10 * np.log10(0.04), rel=1e-3)]
    assert in_decibels["latent=dense"]["y"] == [17]


def test_there_is_no_figure_where_all_have_one_rate(tmp_path: Path, small: Path) -> None:
    assert figure_of(small) is None
    give(small, [784.0] * 4)
    assert figure_of(small) is None  # the column of the table says it
    assert "cost/bits_per_pixel" in review(runs.read(small)).board
    alone = sweep_folders.make(tmp_path / "one", ["decoder=transpose"], seeds=[0, 1])
    give(alone, [784.0] * 2, {})
    assert figure_of(alone) is None
    give(alone, [784.0] * 2)
    assert len(drawn(figure_of(alone))) == 4  # two curves, the front, and itself


def test_a_measured_rate_has_an_interval_and_a_rate_of_0_no_logarithm(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", DIMS[:2], seeds=[0, 1], fixed=["latent=dense"])
    give(folder, [80.0, 82.0, 0.0, 0.0])
    figure = figure_of(folder)
    assert drawn(figure)["latent.dim=4"]["error_x"]["array"][0] > 0
    assert figure
    assert "type" not in figure.variants["MSE"]["layout"]["xaxis"]


def test_each_seed_may_have_images_of_its_own_and_each_task_its_curves(tmp_path: Path) -> None:
    data = ["data=synthetic", "data=mnist5k"]
    folder = sweep_folders.make(tmp_path / "s", data, DIMS[:2], seeds=[0, 1], fixed=["latent=dense"])
    give(folder, [128.0, 128.0, 512.0, 512.0] * 2)
    jobs = sweep_folders.jobs(folder)
    sweep_folders.change(jobs[1], rate_curves={"jpeg": [[0.6, 0.04], [5.0, 0.0]]})
    sweep_folders.change(jobs[2], rate_curves={"jpeg": [[9.0, 9.0]]})  # of another version: not of the same points
    figure = figure_of(folder)
    assert figure
    assert len(figure.variants) == 4
    curve = drawn(figure, "MSE; data=synthetic")["JPEG without its header"]
    assert curve["y"][0] == pytest.approx((0.02 + 0.04 + 0.02) / 3, rel=1e-3)


@pytest.mark.parametrize(
    "curves",
    [{"pca": [[1.0]]}, {"pca": []}, {"pca": [[-1.0, 0.1]]}, {"pca": [[1.0, 1e300]]}, {"<b>": [[1.0, 0.1]]}, []],
)
def test_what_is_no_curve_makes_a_run_torn(small: Path, curves: Any) -> None:
    (job, *_) = sweep_folders.jobs(small)
    sweep_folders.change(job, rate_curves=curves)
    (problem,) = runs.read(small).others
    assert (problem.status, "rate_curves" in problem.reason) == ("torn", True)
