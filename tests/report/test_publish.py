"""The report inside W&B, as far as that can be tried without an account, and what is kept of it in docs/results."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import sweep_folders
from helpers.project import ROOT, parts
from hourglass.core.errors import ConfigError
from hourglass.data import pictures
from hourglass.report.analysis.review import review
from hourglass.report.publish import publish, side_by_side
from hourglass.report.reading import runs
from hourglass.training.loggers import LoggedRun

DECODERS = ("decoder=transpose", "decoder=resize")


@pytest.fixture
def grids(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, np.ndarray]]:
    """The rows of the pictures that are made from now on, as bytes."""
    made: list[dict[str, np.ndarray]] = []

    def grid(rows: dict[str, torch.Tensor]) -> Image.Image:
        made.append({label: (255 * images).round().byte().numpy() for label, images in rows.items()})
        return Image.new("L", (1, 1))

    monkeypatch.setattr(pictures, "grid", grid)
    return made


def test_a_sweep_is_published_as_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = sweep_folders.make(tmp_path / "decoders", DECODERS, seeds=range(2))
    page = folder / "report.html"
    page.write_text("<p>the page</p>")
    run = LoggedRun(folder, "report-decoders", "report decoders", "decoders", job_type="report")
    publish(review(runs.read(folder)), parts().loggers["wandb"](run), page)
    (kept,) = folder.glob("wandb/offline-run-*-report-decoders")
    record = next(kept.glob("run-report-decoders.wandb")).read_bytes()
    assert b"report decoders" in record
    (media,) = kept.glob("files/media")
    assert (next(media.rglob("*.html"))).read_text() == "<p>the page</p>"
    table = json.loads(next(media.rglob("*.table.json")).read_text())
    assert table["columns"][0] == "label"
    assert {row[0] for row in table["data"]} == set(DECODERS)
    with Image.open(next(media.rglob("*.png"))) as picture:
        assert picture.height > 3 * 84  # the test images and two configurations


@pytest.mark.slow
def test_every_picture_stands_under_its_own_test_images(tmp_path: Path, grids: list[dict[str, np.ndarray]]) -> None:
    """Two data sets, of which one is drawn for each seed."""
    folder = sweep_folders.make(tmp_path / "s", ("data=mnist5k", "data=synthetic"), DECODERS, seeds=range(3))
    reviewed = review(runs.read(folder))
    tasks = list(side_by_side(reviewed))
    assert set(tasks) == {"data=mnist5k", "data=synthetic"}
    by_name = {
        f"data={run.choices['data']}, decoder={run.choices['decoder']}, seed {run.seed}": run
        for run in reviewed.sweep.runs
    }
    for rows, task in zip(grids, tasks, strict=True):
        target, *shown = rows
        assert (target, len(shown)) == ("test images", 2)
        for label in shown:
            kept = by_name[f"{task}, {label}"].examples()
            assert kept is not None
            assert np.array_equal(rows[label], kept["output"][:8])
            assert np.array_equal(rows[target], kept["target"][:8])


def test_a_seed_that_is_lost_is_lost_for_all(tmp_path: Path, grids: list[dict[str, np.ndarray]]) -> None:
    folder = sweep_folders.make(tmp_path / "s", DECODERS, seeds=range(3), fixed=["data=synthetic"])
    first, second = review(runs.read(folder)).pictured.values()
    assert first.seed == second.seed
    sweep_folders.spoil(second.folder, "diverged", "nan")
    side_by_side(review(runs.read(folder)))
    labels = list(grids[0])
    assert len(labels) == 3
    assert labels[1].partition(", seed ")[2] == labels[2].partition(", seed ")[2] != str(first.seed)


def test_where_no_seed_is_left_that_all_have_each_is_shown_under_its_own_images(
    tmp_path: Path, grids: list[dict[str, np.ndarray]]
) -> None:
    folder = sweep_folders.make(tmp_path / "s", DECODERS, seeds=range(3), fixed=["data=synthetic"])
    for run in runs.read(folder).runs:
        if (run.choices["decoder"] == "transpose") != (run.seed == 0):
            sweep_folders.spoil(run.folder, "diverged", "nan")
    side_by_side(review(runs.read(folder)))
    target, best, other_target, other = grids[0].values()
    labels = list(grids[0])
    assert labels[1].endswith("decoder=transpose, seed 0")
    assert labels[2].removeprefix("test images") == labels[3].removeprefix("decoder=resize") != ", seed 0"
    assert not np.array_equal(target, other_target)
    assert np.abs(best - target.astype(float)).mean() < np.abs(other - target.astype(float)).mean()


def test_a_corrupted_input_has_its_row(tmp_path: Path, grids: list[dict[str, np.ndarray]]) -> None:
    folder = sweep_folders.make(tmp_path / "s", DECODERS, seeds=[0])
    for run in runs.read(folder).runs:
        kept = run.examples()
        assert kept is not None
        np.savez(run.folder / "examples.npz", **(kept | {"input": kept["target"] // 2}))
    side_by_side(review(runs.read(folder)))
    (rows,) = grids
    assert list(rows) == ["test images", "corrupted", "decoder=transpose, seed 0", "decoder=resize, seed 0"]
    assert np.array_equal(rows["corrupted"], rows["test images"] // 2)


def test_without_pictures_there_is_nothing_side_by_side(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "s", DECODERS, seeds=[0])
    for path in folder.glob("*/examples.npz"):
        path.unlink()
    assert side_by_side(review(runs.read(folder))) == {}


def keep_results(monkeypatch: pytest.MonkeyPatch, results: Path, arguments: Sequence[str]) -> ModuleType:
    """Run `tools/keep_results.py` in this process."""
    spec = importlib.util.spec_from_file_location("keep_results", ROOT / "tools" / "keep_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", results)
    monkeypatch.setattr("sys.argv", ["keep_results.py", *arguments])
    module.main()
    return module


@pytest.mark.slow
def test_what_is_kept_of_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sweep_folders.make(tmp_path / "mine", ("data=mnist5k", "data=synthetic"), DECODERS, seeds=range(2))
    arguments = [str(folder), "reference=decoder=resize", "metric=test/psnr"]
    keep_results(monkeypatch, tmp_path / "results", arguments)
    kept = tmp_path / "results" / "mine"
    assert {path.name for path in kept.iterdir()} == {
        "report.md", "results.csv", "seeds.png", "pictures-mnist5k.png", "pictures-synthetic.png",
    }  # fmt: skip
    assert f"`python report.py {' '.join(arguments)}`" in (kept / "report.md").read_text()
    one = sweep_folders.make(tmp_path / "other" / "mine", DECODERS, seeds=range(2))
    keep_results(monkeypatch, tmp_path / "results", [str(one)])
    assert {path.name for path in kept.glob("*.png")} == {"seeds.png", "pictures.png"}  # none is left of before
    with pytest.raises(ConfigError, match="name a folder"):
        keep_results(monkeypatch, tmp_path / "results", [])


def test_a_panel_that_says_nothing_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = keep_results(monkeypatch, tmp_path / "results", ["--help"])
    folder = sweep_folders.make(tmp_path / "s", DECODERS, seeds=range(2))
    reviewed = review(runs.read(folder))
    for run in reviewed.sweep.runs:
        run.metrics |= {"test/phase_bias_2": 0.0, "init/phase_bias_2": float("nan")}
    assert module.says_something(reviewed, "test/mse")
    for metric in ("test/phase_bias_2", "init/phase_bias_2", "ratio/pca"):
        assert not module.says_something(reviewed, metric)
    module.seeds(reviewed, tmp_path / "seeds.png")
    assert (tmp_path / "seeds.png").stat().st_size > 1000
