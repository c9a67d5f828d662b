"""The figures of a report's page, against known answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plotly import graph_objects

from helpers import sweep_folders
from hourglass.report.analysis.review import review
from hourglass.report.page import marks, plots, render, views
from hourglass.report.page.figures import cost, curves
from hourglass.report.page.robustness import robustness
from hourglass.report.page.spectra import harmonics, spectra
from hourglass.report.reading import runs


def test_specifications_are_valid_plotly(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose", "decoder=subpixel"], seeds=[0, 1])
    for run in runs.read(folder).runs:
        sweep_folders.evaluate(run.folder, "block", 8, size=8)
    reviewed = review(runs.read(folder))
    found = reviewed.ranked
    for figure in (cost(reviewed), curves(found), spectra(found), robustness(reviewed)):
        assert figure
        for variant in figure.variants.values():
            graph_objects.Figure(variant)  # raises for a property or value that Plotly does not know


def test_a_black_output_and_a_loss_without_an_end_are_drawn_as_far_as_they_go(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose", "decoder=subpixel"], seeds=[0])
    black, _ = (run.folder for run in runs.read(folder).runs)
    spectrum = pd.read_csv(black / "spectra.csv")
    spectrum.assign(output=0.0, error=spectrum["target"]).to_csv(black / "spectra.csv", index=False)
    history = pd.read_csv(black / "metrics.csv")
    history.assign(**{"train/loss": np.inf}).to_csv(black / "metrics.csv", index=False)
    reviewed = review(runs.read(folder))
    figure = spectra(reviewed.ranked)
    assert figure
    rows = {row[0]: row[1:] for row in figure.rows}
    assert rows["decoder=transpose"] == ["–"] * 5
    assert all(float(text) for text in rows["decoder=subpixel"])
    assert np.isfinite(figure.variants[""]["layout"]["yaxis"]["range"]).all()
    losses = curves(reviewed.ranked)
    assert losses
    panels = {(trace["meta"], trace["yaxis"]) for trace in losses.variants["over steps"]["data"]}
    place = [c.label for c in reviewed.ranked].index("decoder=transpose")
    assert (place, "y2") not in panels  # the training loss
    assert {(place, "y"), (1 - place, "y"), (1 - place, "y2")} <= panels
    spectrum.assign(output=0.0, target=0.0).to_csv(black / "spectra.csv", index=False)
    render.render(review(runs.read(folder)))


def test_the_harmonics_reach_to_the_corner() -> None:
    """Against the FFT: a pattern of period s has power at these frequencies alone."""
    root = np.sqrt(2)
    expected = {"¼": 1 / 4, "¼,¼": root / 4, "½": 1 / 2, "½,¼": np.sqrt(5) / 4, "½,½": root / 2}
    assert harmonics([2]) == pytest.approx({"½": 1 / 2, "½,½": root / 2})
    assert harmonics([4, 2, 8]) == pytest.approx(expected)  # of 8 there would be 14 more
    assert list(harmonics([2, 4])) == list(expected)
    assert list(harmonics([3, 9])) == ["⅓", "⅓,⅓"]
    for s in (2, 3, 4, 5):
        pattern = np.tile(np.random.default_rng(s).random((s, s)), (60 // s, 60 // s))
        power = np.abs(np.fft.fft2(pattern - pattern.mean())) ** 2
        radius = np.hypot(*np.meshgrid(np.fft.fftfreq(60), np.fft.fftfreq(60)))
        found = np.unique(radius[power > 1e-9 * power.max()].round(9))
        assert found == pytest.approx(sorted(harmonics([s]).values()))


def test_a_checkerboard_stands_in_the_table_of_the_spectra(tmp_path: Path) -> None:
    """The made-up error has a bump at the corner alone, where the main frequency of a checkerboard is."""
    figure = spectra(runs.read(sweep_folders.make(tmp_path / "s", ["decoder=transpose"], seeds=[0])).configurations)
    assert figure
    excess = dict(zip(figure.columns[1:], map(float, figure.rows[0][1:]), strict=True))
    assert max(excess, key=lambda name: excess[name]) == "output over target at ½,½, dB"
    assert [note["text"] for note in figure.variants[""]["layout"]["annotations"]] == ["¼", "¼,¼", "½", "½,¼", "½,½"]


def test_colours_go_by_rank_and_dashes_tell_them_apart_beyond_the_tenth() -> None:
    lines = [plots.line(i, "", [0.0], [0.0])["line"] for i in range(40)]
    assert len({(line["color"], line["dash"]) for line in lines}) == 40
    assert not {line["dash"] for line in lines} & {"dot", "dashdot"}  # the target's and the input's
    assert len({plots.DASHES[plots.dash(i)] for i in (0, 10, 20, 30)}) == 4


def test_the_best_have_the_first_numbers(tmp_path: Path) -> None:
    decoders = ["decoder=bilinear", "decoder=transpose", "decoder=subpixel"]
    reviewed = review(runs.read(sweep_folders.make(tmp_path / "s", decoders, seeds=[0])))
    assert [c.label for c in reviewed.ranked] == list(reviewed.board["label"])
    assert [c.label for c in reviewed.ranked] == [decoders[i] for i in (2, 1, 0)]
    assert [c.label for c, _ in views.board_rows(reviewed, views.columns(reviewed))] == list(reviewed.board["label"])


def test_every_row_has_the_digits_of_its_own_interval(tmp_path: Path) -> None:
    """A dead configuration beside a good one, which was 0.008 ± 0.000 once."""
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose", "decoder=bilinear"], seeds=range(3))
    values = (0.00839, 0.0088, 0.0086, 0.012, 0.116, 0.116)
    for job, mse in zip(sweep_folders.jobs(folder), values, strict=True):
        sweep_folders.update_metrics(job, {"test/mse": mse})
    reviewed = review(runs.read(folder))
    shown = views.columns(reviewed)
    cells = [cells[0] for _, cells in views.board_rows(reviewed, shown)]
    assert [(cell.text, cell.half) for cell in cells] == [("0.00860", "0.00051"), ("0.081", "0.149")]


def test_a_value_has_its_place_in_the_drawing() -> None:
    assert marks.Scale.over([0.0, 1.0], width=112)(0.5) == 56
