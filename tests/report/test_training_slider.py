"""The slider over training: the same images from the untrained network to the best weights."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, expect

from helpers import sweep_folders
from hourglass.data import pictures
from hourglass.report.analysis.review import review
from hourglass.report.page import images, render
from hourglass.report.reading import runs
from hourglass.report.reading.run import Run

EPOCHS = (0, 1, 2, 3)
Arrays = Mapping[str, np.ndarray]


def at(epoch: int, kept: Arrays, count: int = 8) -> np.ndarray:
    """What the network makes of the images after an epoch: the darker, the less it was trained."""
    return (kept["target"][:count] * (epoch / 4)).astype(np.uint8)


def draw(run: Path, corrupted: bool = False) -> Arrays:
    """As training leaves them; what the run keeps of its test images."""
    kept = dict(np.load(run / "examples.npz"))
    (run / "images").mkdir()
    target = torch.from_numpy(kept["target"][:8]).float() / 255
    for epoch in EPOCHS:
        output = torch.from_numpy(at(epoch, kept)).float() / 255
        rows = pictures.comparison(target, (target + 0.2).clamp(0, 1) if corrupted else target, output)
        pictures.grid(rows).save(run / "images" / f"reconstructions_epoch{epoch:04d}.png")
    return kept


def run_of(folder: Path) -> Run:
    (run,) = runs.read(folder).runs
    return run


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return tmp_path / sweep_folders.make_run(tmp_path, ["decoder=resize"], 0)


@pytest.mark.parametrize(("corrupted", "count"), [(False, 8), (True, 8), (False, 3)])
def test_the_pictures_of_training_are_read_pixel_by_pixel(one: Path, corrupted: bool, count: int) -> None:
    kept = draw(one, corrupted)
    frames = images.frames(run_of(one), kept, count)
    assert [frame.epoch for frame in frames] == list(EPOCHS)
    for frame in frames:
        strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(frame.output.split(",")[1]))))
        assert np.array_equal(strip, np.concatenate(list(at(frame.epoch, kept, count)[:, 0]), axis=-1))
        error = (at(frame.epoch, kept, count) / 255 - kept["target"][:count] / 255) ** 2
        assert [float(mse) for mse in frame.mse] == pytest.approx(error.mean((1, 2, 3)), rel=0.05)


def test_pictures_of_other_images_and_of_others_are_left_out(one: Path) -> None:
    kept = draw(one)
    other = {**kept, "target": kept["target"][::-1]}
    assert images.frames(run_of(one), other, 8) == []
    folder = one / "images"
    (folder / "reconstructions_epoch0000.png").write_bytes(b"\x89PNG no picture")
    (folder / "reconstructions_epoch0001.png").unlink()
    (folder / "reconstructions_epoch0001.png").symlink_to("/etc/passwd")
    Image.new("RGB", (791, 346), "white").save(folder / "reconstructions_epoch0002.png")
    Image.new("RGB", (100, 101)).save(folder / "reconstructions_epoch00'2.png")
    assert [frame.epoch for frame in images.frames(run_of(one), kept, 8)] == [3]


def test_colour_is_read_too() -> None:
    random = np.random.default_rng(0)
    target, output = (random.integers(0, 256, (2, 3, 20, 30), np.uint8) for _ in range(2))
    batches = [torch.from_numpy(array).float() / 255 for array in (target, target, output)]
    picture = pictures.grid(pictures.comparison(*batches))
    folder = Path("/nowhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "_opened", lambda folder, path: picture)
        read = images.reconstructed(folder, folder, target)
    assert read is not None
    assert np.array_equal(read, output)


@pytest.mark.slow
def test_the_slider_in_a_browser(tmp_path: Path, browser: Browser) -> None:
    folder = sweep_folders.make(tmp_path / "s", ["decoder=transpose", "decoder=resize"], seeds=[0])
    first, _ = sweep_folders.jobs(folder)
    kept = draw(first)
    page = tmp_path / "report.html"
    page.write_text(render.render(review(runs.read(folder))), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.goto(page.as_uri())
    label = review(runs.read(folder)).ranked[0].label
    slider, shown = tab.locator("#training"), tab.locator("#training-value")
    row = tab.locator("table.pictures:visible tr[data-config]").nth(0 if "transpose" in label else 1)
    other = tab.locator("table.pictures:visible tr[data-config]").nth(1 if "transpose" in label else 0)
    trained = row.locator(".output img").get_attribute("src")
    expect(shown).to_have_text("trained")
    for key, words, epoch in (("Home", "untrained", 0), ("ArrowRight", "epoch 1", 1), ("ArrowRight", "epoch 2", 2)):
        slider.press(key)
        expect(shown).to_have_text(words)
        expect(slider).to_have_attribute("aria-valuetext", words)
        source = row.locator(".output img").get_attribute("src") or ""
        strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))
        assert np.array_equal(strip, np.concatenate(list(at(epoch, kept)[:, 0]), axis=-1))
        expect(row.locator(".at")).to_have_text(f", {words}")
        expect(other.locator(".at")).to_have_text(", trained")
    slider.press("End")
    assert row.locator(".output img").get_attribute("src") == trained
    tab.locator("select[data-choose=set]").select_option("worst")
    expect(slider).to_be_hidden()
    assert wrong == []
    context.close()
