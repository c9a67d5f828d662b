"""What a run is held against: the baselines of the images that it is evaluated on, and of the kind of its code."""

import math
from pathlib import Path

import pytest

import hourglass
from helpers.evaluations import IMAGES, SMALL, evaluated
from helpers.project import parts
from helpers.untrained_runs import untrained_run
from hourglass.data.corruption import Gaussian
from hourglass.metrics import cost
from hourglass.runs.baselines.compute import baselines_of, rate_curves_of
from hourglass.training.module import AutoencoderModule


@pytest.mark.parametrize(
    ("corruption", "name"),
    [
        (("corruption=gaussian", "corruption.std=0.4"), "wiener_curve"),
        (("corruption=block", "corruption.size=4"), "affine"),
    ],
)
def test_baselines_are_those_of_the_images_it_was_evaluated_on(
    tmp_path: Path, corruption: tuple[str, ...], name: str
) -> None:
    """The same as a run that was trained on such images finds, whatever this one was trained on."""
    run, kept = untrained_run(tmp_path / "run", *SMALL, "corruption=masking"), str(tmp_path / "kept")
    before = evaluated(run, *corruption)[-1]
    assert not any(key.startswith(("ratio/", "baseline/")) for key in before["metrics"])
    (record,) = evaluated(run, *corruption, f"baselines={kept}")  # what was known lacks them
    given = parts(*SMALL, *corruption)
    given.data.setup()
    module = AutoencoderModule(hourglass.load_run(run), given.loss, given.optimizer, given.metrics, seed=0, config={})
    expected = baselines_of(module, given.data, str(tmp_path / "other"))
    metrics = record["metrics"]
    assert metrics[f"baseline/{name}"] == pytest.approx(expected[name], rel=1e-6)
    assert metrics[f"ratio/{name}"] == pytest.approx(metrics["test/mse"] / expected[name])
    assert set(expected) >= {key.removeprefix("ratio/") for key in metrics if key.startswith("ratio/")}


def test_a_quantised_code_is_held_against_as_many_bits_and_no_other_against_real_numbers(tmp_path: Path) -> None:
    """By hand, between two points of the curve; `pca` of so many real numbers would be no rival."""
    pytest.importorskip("vector_quantize_pytorch")
    given = parts("model=conv", "channels=[4,4]", *IMAGES, "latent=fsq", "latent.levels=[4,4]")
    given.data.setup()
    module = AutoencoderModule(
        given.autoencoder(given.data.image_shape), given.loss, given.optimizer, given.metrics, seed=0, config={}
    )
    found = baselines_of(module, given.data, str(tmp_path))
    assert sorted(found) == ["mean_image", "pca_bits"]
    rate = cost.rate(module.autoencoder, {})["bits_per_pixel"]
    places = math.prod(module.autoencoder.encoder.spec.code_shape[1:])
    assert rate == places * 4 / math.prod(given.data.image_shape[1:])
    assert cost.of(module.autoencoder)["code_symbols"] == places
    curve = rate_curves_of(given.data, str(tmp_path))["pca"]
    below = max(point for point in curve if point[0] < rate)
    above = min(point for point in curve if point[0] > rate)
    share = math.log(rate / below[0]) / math.log(above[0] / below[0])
    assert found["pca_bits"] == pytest.approx(below[1] * (above[1] / below[1]) ** share)
    given.data.corruption = Gaussian(std=0.1, clip=False)
    assert "pca_bits" not in (of_noise := baselines_of(module, given.data, str(tmp_path)))
    assert "wiener_code" not in of_noise
