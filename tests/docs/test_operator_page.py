"""The page of the operators, docs/operators: complete, and what is written again where something has changed."""

import sys
from pathlib import Path

import pytest
from torch import nn

from helpers.project import ROOT, options
from hourglass.report.cards import page
from hourglass.report.cards.card import Row
from hourglass.report.cards.page import Cards
from hourglass.report.cards.probes import probe
from hourglass.report.cards.untrained import measure
from hourglass.report.cards.variants import Group, Variant

sys.path.insert(0, str(ROOT / "tools"))
import operator_page
from docstrings import words_of

GROUPS: tuple[Group, ...] = ("encoder", "decoder")


@pytest.mark.slow
def test_what_is_committed_is_what_would_be_written() -> None:
    assert operator_page.stale(operator_page.FOLDER, page.measure_all()) == [], (
        "run python tools/operator_page.py and commit it"
    )
    assert sum(path.stat().st_size for path in operator_page.FOLDER.iterdir()) < 3_500_000


def test_every_operator_has_a_card_with_all_that_is_asked_for() -> None:
    text = (operator_page.FOLDER / "README.md").read_text(encoding="utf-8")
    for group in GROUPS:
        for name in options(group):
            if name == "linear":  # no grid
                continue
            section = text.split(f"![{'Up' if group == 'decoder' else 'Down'}: {name}]({group}_{name}.png)")[1]
            section = section.split("\n### ")[0]
            for fact in (" = ", "**Size**: ", "**Side information**: ", "**Source**: ", "parameters", "multiply-adds"):
                assert fact in section, (name, fact)
            assert f"`{group}={name}`" in section
            assert (operator_page.FOLDER / f"{group}_{name}.png").exists()
    for choice in ("kernel_size=2", "kernel_size=4", "kernel_size=5"):
        assert f"`decoder=transpose decoder.{choice}` |" in text
    for choice in ("resize decoder.mode=bilinear", "resize decoder.mode=bicubic", "subpixel decoder.icnr=true"):
        assert f"`decoder={choice}` |" in text
    for choice in ("blurpool encoder.taps=4", "blurpool encoder.taps=5"):
        assert f"`encoder={choice}` |" in text


@pytest.fixture
def few() -> Cards:
    """Two cards, of operators that are quickly measured."""
    chosen = (Variant("decoder", "fir", "", True), Variant("encoder", "haar", "", True))
    return {v.group: [[Row(v, probe(v), measure(v))]] for v in chosen}


@pytest.mark.slow
def test_a_stale_page_is_found(few: Cards, tmp_path: Path) -> None:
    fresh = {path.name: path.read_bytes() for path in operator_page.write(tmp_path, few)}
    assert set(fresh) == {
        "README.md", "untrained.md", "numbers.json", "decoder_fir.png", "encoder_haar.png", "overview.png",
    }  # fmt: skip

    def problems_after(name: str, old: str, new: str) -> str:
        text = fresh[name].decode()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        problems = " ".join(operator_page.stale(tmp_path, few))
        (tmp_path / name).write_bytes(fresh[name])
        return problems

    assert operator_page.stale(tmp_path, few) == []
    assert "README.md: line" in problems_after("README.md", "Karras", "Carras")
    assert "untrained.md: line" in problems_after("untrained.md", "| 0.743 | 0.612 |", "| 0.743 | 0.622 |")
    assert problems_after("untrained.md", "| 0.743 | 0.612 |", "| 0.744 | 0.610 |") == ""
    number = "1.0000"  # the largest magnitude of an impulse response
    assert "numbers.json: decoder=fir: impulse response is" in problems_after("numbers.json", number, "1.0003")
    assert problems_after("numbers.json", number, "1.0002") == ""
    assert "decoder=fir: flat" in problems_after("numbers.json", "decoder=fir: flat field in", "decoder=fir: flat")
    (tmp_path / "decoder_fir.png").unlink()
    (tmp_path / "decoder_gone.png").touch()
    assert operator_page.stale(tmp_path, few) == ["decoder_gone.png: no operator has this", "decoder_fir.png: missing"]
    operator_page.write(tmp_path, few)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == fresh  # the same bytes each time


@pytest.mark.slow
def test_the_tool_checks_and_writes(
    few: Cards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "measure_all", lambda: few)
    monkeypatch.setattr(operator_page, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["operator_page.py", "--check"])
    with pytest.raises(SystemExit, match=r"decoder_fir\.png: missing"):
        operator_page.main()
    monkeypatch.setattr(sys, "argv", ["operator_page.py"])
    operator_page.main()
    monkeypatch.setattr(sys, "argv", ["operator_page.py", "--check"])
    operator_page.main()
    assert "up to date" in capsys.readouterr().out


# The words


def test_smooth_says_what_differs_and_takes_the_rest_from_the_operator_before_it() -> None:
    words = words_of(Variant("decoder", "smooth", "", True).build(0))
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
