"""What untrained layers are known to do, measured again: 20 initialisations, 16 to 16 channels."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from helpers.project import ROOT
from hourglass.report.cards.untrained import Numbers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("untrained_layers", ROOT / "tools" / "untrained_layers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measured(tool: ModuleType) -> dict[str, Numbers]:
    return {str(variant): numbers for variant, numbers in tool.rows()}


@pytest.mark.parametrize("layer", [*(f"transpose kernel_size={k}" for k in (2, 3, 4, 5)), "subpixel icnr=false"])
def test_random_phases_have_gains_of_their_own(measured: dict[str, Numbers], layer: str) -> None:
    """With overlap or without: (s² - 1)/s² of the power."""
    assert measured[layer]["gain share"] == pytest.approx(0.75, abs=0.06)


@pytest.mark.parametrize(
    "layer",
    [
        "nearest", "resize mode=nearest", "resize mode=bilinear", "resize mode=bicubic", "resize padding=reflect",
        "bilinear", "bilinear_additive", "fir", "smooth", "subpixel icnr=true",
    ],
)  # fmt: skip
def test_these_are_exactly_flat(measured: dict[str, Numbers], layer: str) -> None:
    assert measured[layer]["gain share"] < 1e-10
    assert measured[layer]["smooth PB"] < 0.002
    assert measured[layer]["smooth HP"] < -3


@pytest.mark.parametrize(("kernel_size", "expected"), [(3, 0.6), (5, 0.385)])
def test_uneven_overlap_shows_in_the_power_of_noise(
    measured: dict[str, Numbers], kernel_size: int, expected: float
) -> None:
    assert measured[f"transpose kernel_size={kernel_size}"]["white PEI"] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("layer", [*(f"transpose kernel_size={k}" for k in (2, 4, 6)), "subpixel icnr=false", "smooth"])
def test_even_overlap_does_not(measured: dict[str, Numbers], layer: str) -> None:
    assert measured[layer]["white PEI"] < 0.04


def test_the_command_prints_and_writes_the_table(
    tool: ModuleType,
    measured: dict[str, Numbers],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["untrained_layers.py"])
    tool.main()
    printed = capsys.readouterr().out
    assert all(f"\n| `{layer}` |" in printed for layer in measured)
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["untrained_layers.py", "--write"])
    tool.main()
    assert (tmp_path / "untrained.md").read_text(encoding="utf-8").endswith(printed)
