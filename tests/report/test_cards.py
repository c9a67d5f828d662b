"""The cards of the operators: up to date, complete, and what they show."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

from helpers.project import CONF, ROOT, options
from hourglass.report.cards import check, page, untrained
from hourglass.report.cards.card import Row, card
from hourglass.report.cards.page import Files
from hourglass.report.cards.probes import FINE, MIDDLE, call_of, probe, values_per_pixel, values_reached
from hourglass.report.cards.variants import FACTOR, Group, Variant, variants
from hourglass.report.cards.words import words_of

GROUPS: tuple[Group, ...] = ("encoder", "decoder")


@pytest.fixture(scope="module")
def made() -> Files:
    return page.generate()


def variant(group: Group, text: str) -> Variant:
    """`transpose kernel_size=3`, or the name alone for what `conf/` says."""
    every = [v for operator in variants(group) for v in operator]
    return next(v for v in every if str(v) == text or (v.name == text and v.is_default))


# The page


@pytest.mark.slow
def test_what_is_committed_is_what_would_be_drawn(made: Files) -> None:
    assert check.stale(made, page.FOLDER) == [], "run python operators.py and commit what it writes"
    assert sum(path.stat().st_size for path in page.FOLDER.iterdir()) < 3_000_000


def test_every_operator_has_a_card_with_all_that_is_asked_for() -> None:
    text = (page.FOLDER / "README.md").read_text()
    for group in GROUPS:
        for name in options(group):
            if name == "linear":  # no grid
                continue
            section = text.split(f"![{'Up' if group == 'decoder' else 'Down'}: {name}]({group}_{name}.png)")[1]
            section = section.split("\n### ")[0]
            for fact in (" = ", "**Size**: ", "**Side information**: ", "**Source**: ", "parameters", "multiply-adds"):
                assert fact in section, (name, fact)
            assert f"`{group}={name}`" in section
            assert (page.FOLDER / f"{group}_{name}.png").exists()
    for choice in ("kernel_size=2", "kernel_size=4", "kernel_size=5"):
        assert f"`decoder=transpose decoder.{choice}` |" in text
    for choice in ("resize decoder.mode=bilinear", "resize decoder.mode=bicubic", "subpixel decoder.icnr=true"):
        assert f"`decoder={choice}` |" in text
    for choice in ("blurpool encoder.taps=4", "blurpool encoder.taps=5"):
        assert f"`encoder={choice}` |" in text


@pytest.fixture
def few(made: Files) -> Files:
    return {name: made[name] for name in ("README.md", "decoder_fir.png", "encoder_aps.png")}


@pytest.mark.slow
def test_a_stale_page_is_found(few: Files, tmp_path: Path) -> None:
    folder = tmp_path / "operators"

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in few:
            shutil.copy(page.FOLDER / name, folder)

    def problems() -> str:
        found = " ".join(check.stale(few, folder))
        fresh()
        return found

    fresh()
    assert problems() == ""
    (folder / "decoder_fir.png").unlink()
    (folder / "decoder_gone.png").touch()
    assert problems() == "decoder_gone.png: no operator has this decoder_fir.png: missing"

    readme = (folder / "README.md").read_text()
    (folder / "README.md").write_text(readme.replace("Zeiler", "Seiler"))
    assert "README.md: line" in problems()
    (folder / "README.md").write_text(readme.replace("| 0.743 | 0.612 |", "| 0.743 | 0.622 |"))
    assert "README.md: line" in problems()
    (folder / "README.md").write_text(readme.replace("| 0.743 | 0.612 |", "| 0.744 | 0.610 |"))
    assert problems() == ""

    content = few["decoder_fir.png"]
    assert not isinstance(content, str)
    picture = content.image.copy()
    for box in content.lettered:
        ImageDraw.Draw(picture).rectangle(box, fill="white")  # as if this machine had no font
    picture.save(folder / "decoder_fir.png")
    assert problems() == ""
    ImageDraw.Draw(picture).rectangle((100, 250, 115, 265), fill="red")  # one number of the impulse response
    picture.save(folder / "decoder_fir.png")
    assert problems() == "decoder_fir.png: shows something else"


@pytest.mark.slow
def test_the_command_checks_and_writes(
    few: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "generate", lambda: few)
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["operators.py", "--check"])
    with pytest.raises(SystemExit, match=r"decoder_fir\.png: missing"):
        runpy.run_path(str(ROOT / "operators.py"), run_name="__main__")
    (tmp_path / "decoder_gone.png").touch()
    page.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(few)
    runpy.run_path(str(ROOT / "operators.py"), run_name="__main__")
    assert "up to date" in capsys.readouterr().out


def test_a_card_is_the_same_bytes_each_time() -> None:
    fir = variant("decoder", "fir")
    once, again = (page.png(card([Row(fir, probe(fir), untrained.measure(fir), 1, 1, 1.0)])) for _ in range(2))
    assert once == again


# The words


def test_smooth_says_what_differs_and_takes_the_rest_from_the_operator_before_it() -> None:
    words = words_of(variant("decoder", "smooth").build(0))
    assert words.formula.startswith("Any operator that goes up, then a fixed zero-order hold: x[i, j] = ")
    assert words.size.startswith("n·s")
    assert words.source.startswith("Sugawara")
    assert "Transposed convolution: x[j] = " in words.notes


def test_a_docstring_without_its_facts_is_refused() -> None:
    class Wordless(nn.Module):
        """A layer: y = x.

        Size: n. Source: nobody.
        """

    with pytest.raises(ValueError, match="missing: Side information"):
        words_of(Wordless())


# The variants


def test_the_default_stands_among_the_values_and_a_preset_alone() -> None:
    found = {v[0].name: [(w.option, w.is_default) for w in v] for v in variants("decoder")}
    assert found["transpose"] == [(f"kernel_size={k}", k == 3) for k in (2, 3, 4, 5)]
    assert found["subpixel"] == [("icnr=false", True), ("icnr=true", False)]
    assert [option for option, _ in found["resize"]] == [
        "mode=nearest",
        "mode=bilinear",
        "mode=bicubic",
        "padding=reflect",
    ]
    assert found["bilinear"] == found["smooth"] == found["fir"] == [("", True)]
    assert {path.stem for path in (CONF / "decoder").glob("*.yaml")} == {*found, "linear"}


# The pictures


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
    rows, columns = shown.impulse.nonzero().unbind(1)
    stamp = shown.impulse[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    torch.testing.assert_close(stamp, kernel / kernel.abs().max())
    inside = shown.flat[MIDDLE, MIDDLE]
    assert torch.allclose(inside[:2, :2].tile(2, 2), inside)  # of period 2
    assert inside.std() > 0.2
    assert shown.step[:, :4].abs().max() == 0  # nothing before the edge


@pytest.mark.parametrize("text", ["resize", "bilinear", "fir", "nearest", "smooth", "subpixel icnr=true"])
def test_these_keep_a_flat_field_flat_and_have_no_harmonics(text: str) -> None:
    shown = probe(variant("decoder", text))
    assert shown.flat[MIDDLE, MIDDLE].abs().max() < 1e-12
    quarter = len(shown.fifth) // 4
    assert shown.fifth[3 * quarter, 3 * quarter] < -15  # the harmonic (1/2, 1/2)


def test_a_blur_lets_less_alias_through() -> None:
    aliased = {
        v.option: untrained.measure(v)["aliased"] for o in variants("encoder") for v in o if v.name == "blurpool"
    }
    assert aliased["taps=5"] < aliased["taps=4"] < aliased["taps=3"] < 0.2
    strided = untrained.measure(variant("encoder", "strided"))
    assert strided["aliased"] == pytest.approx(0.75, abs=0.02)
    assert strided["gradient pattern"] == pytest.approx(0.75, abs=0.06)
    assert untrained.measure(variant("encoder", "avgpool"))["gradient pattern"] < 1e-10
    assert Image.open(page.FOLDER / "overview.png").width == 1800
