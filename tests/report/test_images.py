"""The pictures of a report: which images, in which colours, within which weight; and `examples.npz`, which has them."""

import base64
import contextlib
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import sweep_folders
from helpers.project import autoencoder_for, parts
from hourglass.data import pictures
from hourglass.report.analysis.review import review
from hourglass.report.page import images
from hourglass.report.reading import runs
from hourglass.training.callbacks.examples import Examples, chosen


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("examples")
    data, model = parts("corruption=gaussian").data, autoencoder_for((1, 28, 28))
    data.setup()
    trainer = SimpleNamespace(
        is_global_zero=True, datamodule=data, default_root_dir=folder,
        precision_plugin=SimpleNamespace(forward_context=contextlib.nullcontext),
    )  # fmt: skip
    module = SimpleNamespace(device="cpu", autoencoder=model.eval())
    Examples(first=8, each=4).on_test_epoch_end(trainer, module)  # type: ignore[arg-type]
    batch = data.pick("test", range(500))
    with torch.no_grad():
        output = model(batch.input)
    return SimpleNamespace(folder=folder, arrays=dict(np.load(folder / "examples.npz")), batch=batch, output=output)


def test_the_examples_have_the_error_of_every_test_image(written: SimpleNamespace) -> None:
    assert sorted(path.name for path in written.folder.iterdir()) == ["examples.npz"]
    mse = written.arrays["mse"]
    assert (mse.dtype, mse.shape) == (np.float32, (500,))
    expected = (written.output - written.batch.target).square().flatten(1).mean(1)
    assert mse == pytest.approx(expected.numpy(), rel=1e-4)


def test_the_examples_are_the_first_the_worst_the_median_and_the_best(written: SimpleNamespace) -> None:
    index, ranks = written.arrays["index"], (-written.arrays["mse"]).argsort().argsort()
    assert index.dtype == np.int64
    assert written.arrays["each"] == 4
    assert index[:8].tolist() == list(range(8))
    assert ranks[index[8:]].tolist() == [0, 1, 2, 3, 248, 249, 250, 251, 496, 497, 498, 499]
    expected = {"input": written.batch.input, "target": written.batch.target, "output": written.output}
    for name, batch in expected.items():
        pixels = written.arrays[name]
        assert (pixels.dtype, pixels.shape) == (np.uint8, (20, 1, 28, 28))
        assert np.abs(pixels - 255 * batch[index].clamp(0, 1).numpy()).max() <= 0.5 + 1e-2
    assert not np.array_equal(written.arrays["input"], written.arrays["target"])  # it is corrupted


@pytest.mark.parametrize("each", [1, 2, 4, 6])
def test_the_pictures_follow_what_a_run_has_kept(each: int) -> None:
    """`callbacks.examples.each` may be another: the worst, the median and the best stay what they are called."""
    random = np.random.default_rng(0)
    kept = sweep_folders.examples(0.01, random, sweep_folders.IMAGES, each)
    ranks = (-kept["mse"]).argsort(kind="stable").argsort()
    for others in (4, 1):
        sets = images.tiles(kept, 8, others)
        n = min(each, others)
        assert sets["same"].index == list(range(8))
        assert ranks[sets["worst"].index].tolist() == list(range(n))
        assert ranks[sets["best"].index].tolist() == list(range(100 - n, 100))
        assert np.mean(ranks[sets["median"].index]) == pytest.approx(49.5, abs=1)
        assert len(sets["median"].index) == n


def test_few_images_give_few_examples() -> None:
    assert chosen(torch.tensor([1.0, 3.0, 2.0]), first=8, each=4).tolist() == [0, 1, 2, *[1, 2, 0] * 3]


def test_the_pictures_are_of_the_median_seed(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose"], seeds=range(4))
    values = [0.9, 0.1, None, 0.3]  # the median of a dead, two good and a lost one: the better of the middle two
    for job, mse in zip(sweep_folders.jobs(folder), values, strict=True):
        sweep_folders.update_metrics(job, {"test/mse": mse})
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
    rest = {"mse": np.zeros(100), "index": np.arange(20), "each": np.int64(4)}
    kept = big | rest
    first, others, count = images.fitting([kept] * 100)
    weight = sum(len(uri) for of in images.tiles(kept, first, others).values() for uri in of.strips.values())
    assert weight * count <= images.BUDGET
    assert (first, others) == (1, 1)
    small = {role: pixels[:, :1, :28, :28] for role, pixels in big.items()} | rest
    assert images.fitting([small] * 20) == (8, 4, 20)


def test_pictures_of_any_size_and_channels() -> None:
    for shape in ((2, 1, 5, 7), (3, 3, 200, 90), (1, 2, 8, 8)):
        x = torch.rand(shape) * 2 - 0.5
        rows = pictures.comparison(x, x, x * 0.5)
        assert [label.split()[0] for label in rows] == ["input", "reconstruction", "error"]
        assert [*pictures.comparison(x, x / 2, x)][1] == "corrupted"
        grid = pictures.grid(rows)
        assert grid.height > 3 * 84
        assert grid.mode == "RGB"
    error = torch.tensor([0.0, 0.5, -0.5, 9.0]).view(4, 1, 1, 1)
    colours = pictures.signed_colours(error).flatten(1)
    assert colours.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 1], [1, 0, 0]]
