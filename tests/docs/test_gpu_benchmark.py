"""The script that measures on a GPU is rehearsed on the CPU: whatever breaks there should not be the script."""

import importlib
from types import ModuleType

import pytest
import torch

from helpers.project import ROOT
from hourglass.training.module import AutoencoderModule

IN_A_MOMENT = ["waits", "deterministic"]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("gpu")


def tables(printed: str) -> dict[str, list[list[str]]]:
    """Part -> its rows, with the head."""
    parts = (part.split("\n", 1) for part in printed.split("\n## ")[1:])
    return {
        name: [
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in text.splitlines()
            if line.startswith("|") and "---" not in line
        ]
        for name, text in parts
    }


def check(gpu: ModuleType, capsys: pytest.CaptureFixture[str], parts: list[str]) -> dict[str, list[list[str]]]:
    assert gpu.main([*parts, "--small", "--seconds", "300"]) == 0
    printed = capsys.readouterr().out
    assert torch.__version__ in printed.splitlines()[0]
    found = tables(printed)
    assert list(found) == parts
    for rows in found.values():
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}
    assert not torch.are_deterministic_algorithms_enabled()
    return found


def test_what_takes_a_moment_is_rehearsed(gpu: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    found = check(gpu, capsys, IN_A_MOMENT)
    assert all(int(steps) > 0 and outcome == "none waits" for _, steps, outcome in found["waits"][1:])


def test_a_step_that_waits_is_found_and_the_other_parts_go_on(
    gpu: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(module: object, batch: object, number: int) -> torch.Tensor:
        loss = torch.zeros((), requires_grad=True)
        return loss * float(loss)

    monkeypatch.setattr(AutoencoderModule, "training_step", careless)
    assert gpu.main(["waits", "deterministic", "--small"]) == 1
    printed = capsys.readouterr().out
    assert "waits failed: aten._local_scalar_dense.default waits for the device" in printed
    assert "| decoder=transpose | works |" in printed


@pytest.mark.slow
def test_the_rest_is_rehearsed(gpu: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    found = check(gpu, capsys, [part for part in gpu.PARTS if part not in IN_A_MOMENT])
    assert [row[1] for row in found["run"][1:]] == ["completed"]
    assert [row[2] for row in found["resume"][1:]] == ["the same bits"] * 2
    assert "a CUDA graph needs a GPU" in {row[2] for row in found["throughput"]}
