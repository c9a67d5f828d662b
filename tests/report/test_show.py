"""`show`: what it trains and reads is what a run does, what it draws is where it says, and mistakes are a sentence."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.project import TINY, parts, run_train
from hourglass.cli.pictures import show
from hourglass.core.errors import ConfigError, DataError, IncompatiblePair
from hourglass.report.show import page, slide
from hourglass.report.show.make import make
from hourglass.report.show.now import OnePicture, train_now
from hourglass.report.show.options import parse_options
from hourglass.report.show.story import Look, Row, Story, spectrum
from hourglass.report.show.then import read_runs
from hourglass.runs.load import begin


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 33×45 pixels in colour."""
    y, x = np.mgrid[0:33, 0:45]
    pixels = np.stack([5 * x, 7 * y, 128 + 100 * np.sin(x / 3)], -1).astype(np.uint8)
    path = tmp_path_factory.mktemp("own") / "cat.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def story(own: Path) -> Story:
    return train_now(parse_options(["decoders=transpose,max_unpool", f"image={own}", "steps=3"]))


def untrained(decoder: str, source: OnePicture | None = None, *overrides: str) -> torch.Tensor:
    """Of the first test image, step by step as in `train`; or of one's own picture."""
    made = parts(f"decoder={decoder}", *overrides)
    shape = made.data.image_shape if source is None else source.image_shape
    torch.manual_seed(0)
    autoencoder = made.autoencoder(shape)
    if source is None:
        made.data.setup()
        begin(autoencoder, made)
        images = made.data.images["test"][0].images / 255
    else:
        images = source.pixels / 255
        autoencoder.init_output_bias(images.mean((0, 2, 3)))
    with torch.no_grad():
        output: torch.Tensor = autoencoder.eval()(images)[0]
    return output


def test_the_untrained_output_is_the_network_s_own() -> None:
    shown = train_now(parse_options(["decoders=transpose", "untrained=true"]))
    ((look,),) = [row.looks for row in shown.rows]
    torch.testing.assert_close(look.output, untrained("transpose"))
    assert (look.time, shown.times, shown.when(0)) == (0, [0], "untrained")
    mse, psnr = shown.errors(look.output)
    assert mse == pytest.approx((look.output - shown.target).square().mean().item(), rel=1e-5)
    assert psnr == pytest.approx(-10 * np.log10(mse))


def test_a_picture_of_one_s_own_of_any_size_is_trained_on(story: Story, own: Path) -> None:
    assert (story.times, story.target.shape) == ([0, 1, 2, 3], (3, 33, 45))
    assert torch.equal(slide.as_rgb(story.target), torch.from_numpy(np.array(Image.open(own))))
    source = OnePicture(file=str(own), side=48)
    for row in story.rows:
        assert row.strides == (2, 4)
        torch.testing.assert_close(row.at(0), untrained(row.name, source))
        assert story.errors(row.at(3))[0] < story.errors(row.at(0))[0]
    assert "bits of positions beside its code" in story.rows[1].note
    assert "bits" not in story.rows[0].note


def test_a_large_picture_becomes_smaller_and_a_grey_one_has_one_channel(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (90, 90, 90)).save(tmp_path / "grey.png")
    assert OnePicture(file=str(tmp_path / "grey.png"), side=48).image_shape == (1, 32, 48)


def test_the_slide_shows_every_pixel_as_a_square(story: Story, tmp_path: Path) -> None:
    slide.draw(story, tmp_path / "show.png")
    drawn = np.asarray(Image.open(tmp_path / "show.png"))
    zoom = slide.zoom_of((33, 45))
    assert zoom == 5
    columns = 1 + len(slide.chosen(story.times)) + 1 + 2
    assert drawn.shape[:2] == (
        slide.HEAD + slide.NAME + 2 * (slide.NAME + 33 * zoom + slide.CAPTION) + slide.FOOT,
        2 * slide.MARGIN + columns * (45 * zoom + slide.GAP),
    )
    top, left = slide.HEAD + 2 * slide.NAME, slide.MARGIN + 45 * zoom + 2 * slide.GAP
    panel = drawn[top : top + 33 * zoom, left : left + 45 * zoom]
    untrained_output = slide.as_rgb(story.rows[0].at(0)).numpy()
    assert np.array_equal(panel, untrained_output.repeat(zoom, 0).repeat(zoom, 1))


def test_looks_are_chosen_evenly_in_their_order() -> None:
    assert slide.chosen([0, 1, 2, 4, 8, 16, 32, 64, 128, 256]) == [0, 4, 32, 256]
    assert slide.chosen([0, 1, 2, 4, 8, 15]) == [0, 1, 4, 15]
    assert [slide.chosen(times) for times in ([0], [0, 9], [0, 1, 2])] == [[0], [0, 9], [0, 1, 2]]


@pytest.mark.parametrize(("period", "size"), [(2, (28, 28)), (4, (28, 28)), (4, (33, 45)), (3, (27, 40))])
def test_the_marks_lie_where_a_pattern_has_its_power(period: int, size: tuple[int, int]) -> None:
    strides = (2, 4) if period != 3 else (3, 9)
    noise = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    pattern = torch.zeros(1, *size)
    pattern[:, ::period, ::period] = 1
    shown = spectrum(pattern + 0.1 * noise, strides)
    assert shown
    places = {place for s, of in shown.marks.items() for place in of if period % s == 0}
    assert all(float(c).is_integer() for place in places for c in place)
    marked = torch.tensor([shown.decibels[int(y), int(x)] for y, x in places])
    assert len(places) == period**2 - 1
    assert shown.peaks[period] > 20
    others = shown.decibels.flatten().sort(descending=True).values
    assert marked.min() > others[9 * period**2]  # the window makes nine of each peak, and of the mean
    y, x = (round(3 / 8 * n) for n in shown.decibels.shape)
    assert shown.decibels[y, x] < 0  # the mean is taken off


def test_small_images_have_no_spectrum_and_constant_ones_one_without_power(tmp_path: Path) -> None:
    assert spectrum(torch.rand(1, 7, 30), (2, 4)) is None
    flat = spectrum(torch.full((1, 8, 30), 0.5), (2, 4))
    assert flat
    assert (list(flat.marks), flat.peaks, flat.decibels.max().item()) == ([2], {2: 0.0}, -40)
    tiny = Story(torch.rand(1, 5, 6), "tiny", "", "step", [Row("a", "", (2, 4), [Look(0, torch.rand(1, 5, 6))])])
    slide.draw(tiny, tmp_path / "tiny.png")
    assert "<svg" not in page.render(tiny)


def test_a_page_is_whole_and_runs_no_other_script(story: Story) -> None:
    made = page.render(story)
    assert made.count('class="output"') == 2 * len(story.times)
    assert made.count("<script>") == 1
    assert re.findall(r'(?:src|href)="(?!data:)', made) == []
    assert "script-src 'sha256-" in made
    assert "3 steps" in made
    rows = [Row("<script>alert(1)</script>", "<b>", (2,), story.rows[0].looks)]
    assert "<script>alert" not in page.render(Story(story.target, "<i>", "<i>", "step", rows))


def test_both_pictures_are_written(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show.main(["decoders=resize", f"image={own}", "untrained=true", f"out={tmp_path / 'out'}"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["show.html", "show.png"]
    assert "slider" not in capsys.readouterr().out
    with pytest.raises(ConfigError, match="would be replaced"):
        make(parse_options([f"image={tmp_path / 'out' / 'show.png'}", f"out={tmp_path / 'out'}"]))


@pytest.mark.slow
def test_runs_show_what_they_drew_and_what_is_trained_now(tmp_path: Path) -> None:
    for name in ("transpose", "resize"):
        done = run_train(tmp_path / "runs" / name, "model=conv", f"decoder={name}", *TINY)
        assert done.returncode == 0, done.stderr
    shown = read_runs(parse_options([f"runs={tmp_path / 'runs'}"]))
    assert [(row.name, [look.time for look in row.looks]) for row in shown.rows] == [
        ("resize", [0, 1]), ("transpose", [0, 1])
    ]  # fmt: skip
    for row in shown.rows:
        torch.testing.assert_close(row.at(0), untrained(row.name, None, "channels=[4]"), atol=0.6 / 255, rtol=0)
    (tmp_path / "runs" / "resize" / "images" / "reconstructions_epoch0001.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"epoch0001\.png is no picture that this run has drawn of its test image 0"):
        read_runs(parse_options([f"runs={tmp_path / 'runs'}"]))
    with pytest.raises(DataError, match="drawn of its test image 1"):
        read_runs(parse_options([f"runs={tmp_path / 'runs' / 'transpose'}", "image=1"]))
    with pytest.raises(ConfigError, match="has kept its test images 0 to 7"):
        read_runs(parse_options([f"runs={tmp_path / 'runs' / 'transpose'}", "image=8"]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("decoders=transpos", "decoders=transpos is no option of conf/decoder: did you mean transpose"),
        ("decoders=resize,resize", "name one or more, each once"),
        ("encoder=xyz", "encoder=xyz is no option of conf/encoder: there are antialias_resize"),
        ("steps=0", "steps=0: input should be greater than or equal to 1"),
        ("untrained=true steps=3", "untrained=true trains nothing: leave out steps="),
        ("image=cat.png data=emoji", "image=cat.png has no use for it: leave out data="),
        ("side=9", "image=0 has no use for it: leave out side="),
        ("runs=x seed=1 data=emoji", "shows what is trained already: leave out data= and seed="),
        ("runs=x image=cat.png", "so image= is a number"),
        ("decoder=resize", r"show has the options decoders=.*did you mean decoders=\?"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_at_once(line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_options(line.split())


def test_what_cannot_be_shown_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png is no picture of a kind that is read"):
        train_now(parse_options([f"image={tmp_path / 'text.png'}"]))
    with pytest.raises(IncompatiblePair, match="encoder=strided with decoder=max_unpool: this decoder needs"):
        train_now(parse_options(["encoder=strided"]))
    with pytest.raises(ConfigError, match="image=999: mnist5k has the test images 0 to 499"):
        train_now(parse_options(["image=999", "decoders=resize"]))


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib", "pandas"])
def test_without_the_extra_the_package_is_named_that_is_missing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hourglass.report.") and "options" not in name]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(name, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"pictures need {missing}: pip install 'hourglass\[report\]'"):
        show.main(["untrained=true"])
