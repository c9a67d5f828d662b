"""Numbers and names as people read them."""

import math
from pathlib import Path

import pytest

from helpers.project import ROOT
from hourglass.core import text


def test_numbers_are_written_to_their_interval() -> None:
    assert text.with_half(0.0036312, 0.000121) == ("0.00363", "0.00012")
    assert text.with_half(0.00839, 0.00043) == ("0.00839", "0.00043")
    assert text.with_half(0.077, 0.0453) == ("0.077", "0.045")
    assert text.with_half(24.4, math.nan) == ("24.4", "")
    assert text.plus_minus(9569.0, 0.0) == "9,569"
    assert text.plus_minus(0.0036, 0.00019) == "0.00360 ± 0.00019"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1270080.0, "1,270,080"), (2032128.0, "2,032,128"), (0.05282, "0.05282"), (12345.6, "12,346"),
        (1234.5, "1,234"), (999.97, "1,000"), (999.4, "999.4"), (1.5e-7, "1.5e-7"), (math.nan, "–"), (None, "–"),
    ],
)  # fmt: skip
def test_a_number_has_four_digits(value: float | None, written: str) -> None:
    assert text.number(value) == written


def test_percent_span_and_p() -> None:
    assert text.percent(0.801) == "80.1 %"
    assert text.percent(0.03, signed=True) == "+3.0 %"
    assert text.percent(math.nan) == "–"
    assert text.span([0.00018, math.nan, 0.0012]) == "0.00018 to 0.0012"
    assert text.span([2.0, 2.0]) == "2"
    assert text.span([]) == "–"
    assert [text.p_value(p) for p in (0.0078, 0.14, 1e-5, math.nan)] == ["0.0078", "0.14", "< 0.0001", "–"]


def test_values_as_one_types_them() -> None:
    values = {"[16,32]": [16, 32], "null": None, "true": True, "0.001": 0.001, "resize": "resize"}
    assert {written: text.as_option(value) for written, value in values.items()} == dict(
        zip(values, values, strict=True)
    )
    assert [text.counted(n, "seed") for n in (1, 8)] == ["1 seed", "8 seeds"]


def test_messages_are_cut_to_a_line() -> None:
    assert text.first_line("  one\ntwo") == "one"
    assert text.first_line(None) == ""
    assert text.first_line(ValueError("one\ntwo")) == "one"
    assert text.first_line(ValueError()) == "ValueError"
    assert text.first_line("x" * 160) == "x" * 160
    assert text.first_line("x" * 161) == "x" * 159 + "…"
    assert text.first_line("abcdef", longest=4) == "abc…"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0.0 s"), (4.24, "4.2 s"), (9.94, "9.9 s"), (10, "10 s"), (35.4, "35 s"), (99.4, "99 s"), (100, "2 min"),
        (720, "12 min"), (5999, "100 min"), (6000, "1.7 h"), (9000, "2.5 h"), (36000, "10.0 h"),
    ],
)  # fmt: skip
def test_durations_have_two_digits_or_three(seconds: float, written: str) -> None:
    assert text.duration(seconds) == written


def test_paths_are_written_as_one_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert text.as_typed(tmp_path / "logs" / "run") == Path("logs/run")
    assert text.as_typed(tmp_path.parent) == tmp_path.parent
    assert text.as_typed(Path("logs")) == Path("logs")


def test_commands_are_those_of_a_checkout_or_of_an_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert text.command("train") == "python train.py"
    assert (ROOT / "train.py").is_file()
    monkeypatch.setattr(text, "IN_CHECKOUT", False)
    assert text.command("train") == "hourglass train"


def test_what_was_meant_is_asked_of_the_same_last_part_first() -> None:
    names = ["optimizer.lr", "test/mse", "test/ssim", "trainer.max_epochs"]
    assert text.meant("trainer.lr", names) == "did you mean optimizer.lr?"
    assert text.meant("test/mes", names, most=2) == "did you mean test/mse or test/ssim?"
    assert text.meant("trainer.max_epoch", names, sign="=") == "did you mean trainer.max_epochs=?"
    assert text.meant("wholly_other", names) == ""
