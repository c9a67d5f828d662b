"""The parts of the report's page against known answers, its weight and its time."""

import base64
import io
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from plotly import graph_objects

from helpers import sweep_folders
from helpers.project import run_command
from hourglass.data import pictures
from hourglass.report.analysis.review import review
from hourglass.report.page import images, marks, plots, views
from hourglass.report.page import render as page
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
    page.render(review(runs.read(folder)))


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
    assert [row.number for row in views.board_rows(reviewed, views.columns(reviewed))] == [0, 1, 2]


def test_the_pictures_are_of_the_median_seed(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose"], seeds=range(4))
    values = [0.9, 0.1, None, 0.3]  # the median of a dead, two good and a lost one: the better of the middle two
    for run, mse in zip(runs.read(folder).runs, values, strict=True):
        path = run.folder / "summary.json"
        summary = json.loads(path.read_text())
        summary["metrics"]["test/mse"] = mse
        path.write_text(json.dumps(summary))
    (shown,) = review(runs.read(folder)).pictured.values()
    assert shown.seed == 3


def test_the_error_has_the_colours_of_the_pictures() -> None:
    error = np.array([-255, -128, -64, 0, 1, 64, 127, 255])
    target = np.clip(-error, 0, 255).astype(np.uint8).reshape(-1, 1, 1, 1)
    output = np.clip(error, 0, 255).astype(np.uint8).reshape(-1, 1, 1, 1)
    kept = {"mse": np.zeros(20), "index": np.arange(20), "input": target, "target": target, "output": output}
    strip = images._tiles(kept, slice(0, 8)).strips["error"]
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(strip.split(",")[1]))).convert("RGB"))[0]
    expected = pictures.signed_colours(torch.tensor(error / 255).reshape(-1, 1, 1, 1))[..., 0, 0]
    np.testing.assert_allclose(drawn / 255, expected, atol=1 / 255)
    assert drawn[0].tolist() == [0, 0, 255]
    assert drawn[3].tolist() == [255, 255, 255]
    assert drawn[7].tolist() == [255, 0, 0]


def test_pictures_keep_to_their_budget() -> None:
    random = np.random.default_rng(0)
    big = {role: random.integers(0, 256, (20, 3, 64, 64), np.uint8) for role in ("input", "target", "output")}
    kept = big | {"mse": np.zeros(100), "index": np.arange(20)}
    first, others, count = images.fitting([kept] * 100)
    weight = sum(len(uri) for of in images.tiles(kept, first, others).values() for uri in of.strips.values())
    assert weight * count <= images.BUDGET
    assert (first, others) == (1, 1)
    small = {role: pixels[:, :1, :28, :28] for role, pixels in big.items()} | {
        "mse": np.zeros(100),
        "index": np.arange(20),
    }
    assert images.fitting([small] * 20) == (8, 4, 20)


@pytest.mark.parametrize(
    ("seeds", "noise", "headline", "supported"),
    [
        (8, 0.0, "decoder=subpixel is better than decoder=transpose", "Yes"),
        (8, 0.04, "but no difference from decoder=transpose is shown", "No"),
        (3, 0.0, "decoder=subpixel is ahead, but not enough seeds to claim it", "Not enough seeds"),
    ],
)
def test_the_answer_claims_what_the_seeds_allow(
    tmp_path: Path, seeds: int, noise: float, headline: str, supported: str
) -> None:
    """The made-up subpixel is 3 % better: with 8 seeds and no noise p is 2/2^8; with 3 it cannot be below 0.25."""
    folder = sweep_folders.make(
        tmp_path / "s", ["decoder=transpose", "decoder=subpixel"], seeds=range(seeds), noise=noise
    )
    [said] = review(runs.read(folder)).answers
    assert headline in said.headline
    fact = next(fact for fact in said.facts if fact.term == "Is that claim supported?")
    assert fact.value == supported
    assert f"{seeds} seeds can give {2 / 2**seeds:.2g}"[:20] in fact.more
    if not noise:
        assert "(3.0 %) below decoder=transpose" in said.sentences[1]
        assert "4.00 times those of decoder=transpose" in said.sentences[2]


def test_numbers_are_written_to_their_interval() -> None:
    assert marks.with_half(0.0036312, 0.000121) == ("0.00363", "0.00012")
    assert marks.with_half(0.00839, 0.00043) == ("0.00839", "0.00043")
    assert marks.with_half(0.077, 0.0453) == ("0.077", "0.045")
    assert marks.with_half(24.4, float("nan")) == ("24.4", "")
    assert marks.plus_minus(9569.0, 0.0) == "9,569"
    numbers = {
        1270080.0: "1,270,080", 2032128.0: "2,032,128", 0.05282: "0.05282", 12345.6: "12,346", 1234.5: "1,234",
        999.97: "1,000", 999.4: "999.4", float("nan"): "–",
    }  # fmt: skip
    assert {value: marks.number(value) for value in numbers} == numbers
    assert [marks.percent(0.801), marks.percent(0.03, signed=True), marks.percent(float("nan"))] == [
        "80.1 %",
        "+3.0 %",
        "–",
    ]
    assert marks.span([0.00018, float("nan"), 0.0012]) == "0.00018 to 0.0012"
    assert marks.span([2.0, 2.0]) == "2"
    assert marks.Scale.over([0.0, 1.0], width=112)(0.5) == 56


def test_every_row_has_the_digits_of_its_own_interval(tmp_path: Path) -> None:
    """A dead configuration beside a good one, which was 0.008 ± 0.000 once."""
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose", "decoder=bilinear"], seeds=range(3))
    for run, mse in zip(runs.read(folder).runs, (0.00839, 0.0088, 0.0086, 0.012, 0.116, 0.116), strict=True):
        path = run.folder / "summary.json"
        summary = json.loads(path.read_text())
        summary["metrics"]["test/mse"] = mse
        path.write_text(json.dumps(summary))
    reviewed = review(runs.read(folder))
    shown = views.columns(reviewed)
    cells = [row.cells[0] for row in views.board_rows(reviewed, shown)]
    assert [(cell.text, cell.half) for cell in cells] == [("0.00860", "0.00051"), ("0.081", "0.149")]


@pytest.mark.slow
def test_a_hundred_runs_fit_in_10_megabytes_and_20_seconds(tmp_path: Path) -> None:
    """The worst case, a configuration a run; without torch."""
    rates = [f"optimizer.lr={rate:.4f}" for rate in np.linspace(0.001, 0.009, 25)]
    decoders = [f"decoder={name}" for name in ("transpose", "resize", "subpixel", "bilinear")]
    folder = sweep_folders.make(tmp_path / "hundred", decoders, rates, seeds=[0])
    code = (
        "import sys; from hourglass.report import command; command.command(sys.argv[1:]); print('torch' in sys.modules)"
    )
    start = time.perf_counter()
    done = run_command("-c", code, str(folder))
    assert time.perf_counter() - start < 20
    assert done.stdout.endswith("False\n"), done.stderr
    assert (folder / "report.html").stat().st_size < 10e6
    assert ".c10{--c:#3b7dd8;--edge:dashed;--fill:none}" in (folder / "report.html").read_text()
    assert len(runs.read(folder).runs) == 100
