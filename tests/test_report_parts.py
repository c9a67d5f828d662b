"""The parts of the report's page against known answers, its weight and its time."""

import base64
import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import sweep_folders
import torch
from conftest import run_command
from PIL import Image
from plotly import graph_objects

from hourglass import pictures
from hourglass.report import figures, images, marks, runs, tables
from hourglass.report.answer import answers


def test_specifications_are_valid_plotly(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose", "decoder=subpixel"], seeds=[0, 1])
    for run in runs.read(folder).runs:
        (run.folder / "evaluations").mkdir()
        evaluation = {"corruption": {"kind": "block", "level": 8.0}, "data": "mnist5k", "metrics": {"test/ssim": 0.5}}
        (run.folder / "evaluations" / "a.json").write_text(json.dumps(evaluation))
    sweep = runs.read(folder)
    found = runs.configurations(sweep)
    drawn = [figures.cost(found, tables.leaderboard(sweep), "test/mse"), figures.curves(found), figures.spectra(found)]
    for figure in [*drawn, figures.robustness(found)]:
        assert figure
        for variant in figure.variants.values():
            graph_objects.Figure(variant)  # raises for a property or value that Plotly does not know


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
    sweep = runs.read(folder)
    [said] = answers(sweep, tables.leaderboard(sweep), tables.paired(sweep), "test/mse")
    assert headline in said.headline
    fact = next(fact for fact in said.facts if fact.term == "Is that claim supported?")
    assert fact.value == supported
    assert f"{seeds} seeds can give {2 / 2**seeds:.2g}"[:20] in fact.more
    if not noise:
        assert "(3.0%) below decoder=transpose" in said.sentences[1]
        assert "4.00 times those of decoder=transpose" in said.sentences[2]


def test_numbers_are_written_to_their_interval() -> None:
    assert marks.with_half(0.0036312, 0.000121) == ("0.00363", "0.00012")
    assert marks.with_half(24.4, float("nan")) == ("24.4", "")
    assert [marks.number(v) for v in (1270080.0, 0.05282, 12345.6, float("nan"))] == [
        "1,270,080",
        "0.05282",
        "12,346",
        "–",
    ]
    assert marks.Scale.over([0.0, 1.0], width=112)(0.5) == 56


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
    assert len(runs.read(folder).runs) == 100
