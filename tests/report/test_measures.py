"""What the numbers are: their names, and which values are the better ones."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from helpers.sweep_folders import jobs, make, update_metrics
from hourglass.core.errors import ConfigError
from hourglass.report.analysis import measures
from hourglass.report.analysis.measures import numbers
from hourglass.report.analysis.review import review
from hourglass.report.page import views
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize")


def test_checkerboard_metrics_are_compared_by_their_distance_from_the_real_images(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", DECODERS[:2], seeds=range(2))
    for job, value in zip(jobs(folder), (1e-4, 1e-4, 1.6e-4, 1.6e-4), strict=True):
        update_metrics(job, {"test/phase_bias_2": value})  # the real images have 1.5e-4
    reviewed = review(runs.read(folder), metric="gap/phase_bias_2")
    assert reviewed.board["gap/phase_bias_2"].tolist() == pytest.approx([1e-5, 5e-5])
    assert reviewed.answers[0].best == "decoder=resize"  # the higher one, and the nearer
    titles = {
        column.key: (column.title, column.notes, column.shown) for column in views.columns(review(runs.read(folder)))
    }
    assert titles["test/phase_bias_2"] == ("phase bias, stride 2", ["real images 0.00015"], True)
    assert titles["init/harmonic_peak_4"] == ("harmonic peak, stride 4, dB", ["real images -2.2"], False)
    assert titles["gap/phase_bias_2"] == ("phase bias, stride 2", ["lower is better"], False)
    assert titles["test/flat_field_ripple_1"][:2] == ("flat-field ripple, stage 1", ["lower is better"])
    assert titles["test/shift_consistency_4"][:2] == ("shift consistency, 4 px, dB", ["higher is better"])
    assert titles["real/phase_bias_2"][1] == titles["baseline/pca"][1] == []


@pytest.mark.parametrize(
    ("metric", "cure"),
    [
        ("test/phase_bias_2", "is held against real/, not against 0.*use metric=gap/phase_bias_2"),
        ("init/harmonic_peak_4", "use metric=gap/harmonic_peak_4"),
        ("real/phase_imbalance_2", "has no network in it.*use metric=gap/phase_imbalance_2"),
        ("baseline/pool_nearest", "use metric=ratio/pool_nearest"),
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
        "val/phase_bias_2": None, "baseline/pca": None, "real/harmonic_peak_2": None, "gap/harmonic_peak_2": "lower",
        "test/lpips": None,
    }  # fmt: skip
    known = measures.Measures({})
    assert {name: known.direction(name) for name in directions} == directions
    assert known.full_title("init/phase_bias_2") == "phase bias, stride 2: before the first step"
    assert known.full_title("ratio/pca") == "ratio to PCA"
    assert known.title("test/lpips") == "lpips"


def test_the_top_octave_is_the_power_of_fine_detail_over_the_targets(sweep: runs.Sweep) -> None:
    """Of white noise, whose rings have all the same mean power, with half of it missing above ¼."""
    frequency = np.linspace(0, 0.7, 29)
    output = np.where(frequency < 0.25, 1.0, 0.5)
    output[frequency > 0.5] = 9  # the corners are no octave
    columns = {"frequency": frequency, "output": output, "target": np.ones(29)}
    run = dataclasses.replace(sweep.runs[0], files={"spectra.csv": columns})
    assert numbers(run)["test/top_octave"] == pytest.approx(10 * math.log10(0.5))
    assert "test/top_octave" not in numbers(dataclasses.replace(run, files={}))
    columns["output"] = np.zeros(29)  # a black image has none of it
    assert "test/top_octave" not in numbers(dataclasses.replace(run, files={"spectra.csv": columns}))
