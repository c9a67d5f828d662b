"""The cards of the operators: what they show, and how it is drawn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from PIL import Image

from helpers.project import CONF
from hourglass.cli.pictures import operators
from hourglass.core.errors import ConfigError
from hourglass.report.cards import card, page, probes, untrained
from hourglass.report.cards.probes import FINE, MIDDLE, call_of, probe, values_per_pixel, values_reached
from hourglass.report.cards.variants import FACTOR, Group, Variant, variants

pytestmark = pytest.mark.slow


def variant(group: Group, text: str) -> Variant:
    """`transpose kernel_size=3`, or the name alone for what `conf/` says."""
    every = [v for operator in variants(group) for v in operator]
    return next(v for v in every if str(v) == text or (v.name == text and v.is_default))


# The pictures


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files: choose a new folder"):
        page.write(tmp_path)


@pytest.fixture(scope="module")
def row() -> card.Row:
    fir = variant("decoder", "fir")
    return card.Row(fir, probe(fir), untrained.measure(fir))


def test_a_card_is_the_same_bytes_each_time(row: card.Row, tmp_path: Path) -> None:
    for name in ("once.png", "again.png"):
        card.save(tmp_path / name, {"decoder": [row]})
    assert (tmp_path / "once.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_the_command_draws_and_checks(
    row: card.Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "measure_all", lambda: {"decoder": [[row]]})
    operators.main([f"out={tmp_path / 'cards'}"])
    operators.main([f"out={tmp_path / 'cards'}", "--check"])
    assert "3 files" in capsys.readouterr().out
    (tmp_path / "cards" / "overview.png").unlink()
    with pytest.raises(ConfigError, match=r"overview\.png: missing"):
        operators.main([f"out={tmp_path / 'cards'}", "--check"])


def test_every_number_is_a_square_of_whole_pixels_in_its_colour(row: card.Row, tmp_path: Path) -> None:
    card.save(tmp_path / "card.png", {"decoder": [row, row]})
    picture = np.asarray(Image.open(tmp_path / "card.png"))
    assert picture.shape[1] == card.WIDTH
    top = card.MARGIN + card.HEADER + card.SIDE + card.CAPTION  # of the second row
    for column, (title, values) in enumerate(row.panels.items()):
        if title == card.STEP:
            continue
        colours, low, high, _ = card.SCALES[title]
        shown = (values / values.mean() if title == "values per pixel" else values).numpy()
        each = colormaps.get_cmap(colours)((shown - low) / (high - low), bytes=True)[..., :3]
        expected = each.repeat(card.SIDE // len(each), 0).repeat(card.SIDE // len(each), 1)
        left = card.LEFT + column * (card.SIDE + card.GAP)
        same = (picture[top : top + card.SIDE, left : left + card.SIDE] == expected).all(-1)
        if title in ("impulse response", "flat field in"):
            assert same.all()
        else:  # digits, or rings, lie over it
            assert same.mean() > 0.9


def test_single_operators_and_a_picture_of_one_s_own(tmp_path: Path) -> None:
    picture = np.zeros((120, 96), np.uint8)
    picture[:, 48:] = 255
    Image.fromarray(picture).save(tmp_path / "half.png")
    operators.main(["decoder=nearest", f"image={tmp_path / 'half.png'}", f"out={tmp_path / 'cards'}"])
    names = sorted(path.name for path in (tmp_path / "cards").iterdir())
    assert names == ["decoder_nearest.png", "numbers.json", "overview.png"]
    assert Image.open(tmp_path / "cards" / "decoder_nearest.png").width == card.WIDTH + card.SIDE + card.GAP
    given = probes.read_picture(tmp_path / "half.png")
    shown = probes.passed(Variant("decoder", "nearest", "", True), given)
    torch.testing.assert_close(shown.abs()[8:-8, 56:-8], torch.ones(80, 32, dtype=torch.float64), atol=0.8, rtol=0)
    assert shown[8:-8, 56:-8].std() < 1e-12  # white stays flat, and black black
    assert shown[:, :40].abs().max() == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("decoder=nothing", "decoder=nothing: name operators of conf/decoder: aps"),
        ("decoder=linear", "name operators of conf/decoder"),
        ("image=a.png --check", "leave out image="),
        ("out=a out=b", "each once"),
        ("draw", "operators takes decoder="),
    ],
)
def test_what_operators_cannot_mean_is_said(line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        operators.main(line.split())


# The variants


def test_the_default_stands_among_the_values_and_a_preset_alone() -> None:
    listed = {v[0].name: [(w.option, w.is_default) for w in v] for v in variants("decoder")}
    assert listed["transpose"] == [(f"kernel_size={k}", k == 3) for k in (2, 3, 4, 5)]
    assert listed["subpixel"] == [("icnr=false", True), ("icnr=true", False)]
    assert [option for option, _ in listed["resize"]] == [
        "mode=nearest",
        "mode=bilinear",
        "mode=bicubic",
        "padding=reflect",
    ]
    assert listed["bilinear"] == listed["smooth"] == listed["fir"] == [("", True)]
    assert {path.stem for path in (CONF / "decoder").glob("*.yaml")} == {*listed, "linear"}


# The panels


def counts(group: Group, text: str) -> list[float]:
    """Of the four phases, the largest first."""
    operator = variant(group, text)
    call = call_of(operator, 0, FINE if group == "encoder" else FINE // FACTOR)
    overlap = values_reached(call) if group == "encoder" else values_per_pixel(call)
    assert overlap.shape == (4, 4)
    assert torch.equal(overlap[:FACTOR, :FACTOR].tile(2, 2), overlap)
    return sorted(overlap[:FACTOR, :FACTOR].flatten().tolist(), reverse=True)


@pytest.mark.parametrize(
    ("group", "text", "expected"),
    [
        ("decoder", "transpose kernel_size=2", [1, 1, 1, 1]),
        ("decoder", "transpose kernel_size=3", [4, 2, 2, 1]),
        ("decoder", "transpose kernel_size=4", [4, 4, 4, 4]),
        ("decoder", "transpose kernel_size=5", [9, 6, 6, 4]),
        ("decoder", "bed_of_nails", [4, 2, 2, 1]),
        ("decoder", "resize mode=nearest", [4, 4, 4, 4]),
        ("decoder", "resize mode=bilinear", [9, 9, 9, 9]),
        ("decoder", "subpixel icnr=true", [9, 9, 9, 9]),
        ("decoder", "smooth", [4, 4, 4, 4]),
        ("decoder", "haar", [1, 1, 1, 1]),
        ("encoder", "strided kernel_size=3", [4, 2, 2, 1]),
        ("encoder", "strided kernel_size=4", [4, 4, 4, 4]),
        ("encoder", "avgpool", [4, 4, 4, 4]),
        ("encoder", "blurpool taps=3", [9, 6, 6, 4]),
        ("encoder", "dcae", [2.25, 2.25, 2.25, 2.25]),
    ],
)
def test_overlap_is_counted(group: Group, text: str, expected: list[float]) -> None:
    assert counts(group, text) == pytest.approx(expected)


def test_positions_of_max_pooling_overlap_evenly_on_average() -> None:
    overlap = values_per_pixel(call_of(variant("decoder", "max_unpool"), 0, FINE // FACTOR))
    assert overlap.mean().item() == pytest.approx(9 / FACTOR**2, abs=0.2)


@pytest.mark.parametrize("text", ["transpose kernel_size=3", "transpose kernel_size=5"])
def test_an_impulse_shows_the_kernel_and_a_flat_field_its_checkerboard(text: str) -> None:
    operator = variant("decoder", text)
    shown, kernel = probe(operator), operator.build(0).conv.weight.detach()[0, 0]
    rows, columns = shown["impulse response"].nonzero().unbind(1)
    stamp = shown["impulse response"][rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    torch.testing.assert_close(stamp, kernel / kernel.abs().max())
    inside = shown["flat field in"][MIDDLE, MIDDLE]
    assert torch.allclose(inside[:2, :2].tile(2, 2), inside)  # of period 2
    assert inside.std() > 0.2
    assert shown["step edge in"][:, :4].abs().max() == 0  # nothing before the edge


@pytest.mark.parametrize("text", ["resize", "bilinear", "fir", "nearest", "smooth", "subpixel icnr=true"])
def test_these_keep_a_flat_field_flat_and_have_no_harmonics(text: str) -> None:
    shown = probe(variant("decoder", text))
    assert shown["flat field in"][MIDDLE, MIDDLE].abs().max() < 1e-12
    spectrum = shown["spectrum, noise in"]
    quarter = len(spectrum) // 4
    assert spectrum[3 * quarter, 3 * quarter] < -15  # the harmonic (1/2, 1/2)


def test_a_blur_lets_less_alias_through() -> None:
    aliased = {
        v.option: untrained.measure(v)["aliased"] for o in variants("encoder") for v in o if v.name == "blurpool"
    }
    assert aliased["taps=5"] < aliased["taps=4"] < aliased["taps=3"] < 0.2
    strided = untrained.measure(variant("encoder", "strided"))
    assert strided["aliased"] == pytest.approx(0.75, abs=0.02)
    assert strided["gradient pattern"] == pytest.approx(0.75, abs=0.06)
    assert untrained.measure(variant("encoder", "avgpool"))["gradient pattern"] < 1e-10
