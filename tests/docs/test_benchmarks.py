"""The benchmark's table is whole and its numbers are numbers; how fast anything is depends on the machine."""

import importlib
import re

import pytest
import torch

from helpers.project import ROOT


@pytest.mark.slow
def test_throughput_measures_every_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    throughput = importlib.import_module("throughput")
    printed = throughput.main(["--images", "256", "--rounds", "1", "callbacks.checkerboards.images=8"])
    table, footer = printed.split("\n\n")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    expected = [(f"{model}, 256 images", name) for model in throughput.IMAGES for name in throughput.CONTENDERS]
    assert [(row[0], row[1]) for row in rows] == expected
    for _, name, rate, ratio in rows:
        assert float(rate.replace(",", "")) > 0
        median, *spread = (float(number) for number in re.findall(r"[\d.]+", ratio))
        assert median > 0
        assert spread == ([] if name == "hourglass" else [median, median])  # one round
    assert torch.__version__ in footer
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
def test_the_overhead_of_a_sweep_is_measured_between_its_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    overhead = importlib.import_module("sweep_overhead")
    printed = overhead.main(["--jobs", "3", "callbacks.checkerboards.images=8"])
    match = re.fullmatch(r"2 times from a job to the next: median ([\d.]+) s \(([\d.]+) to ([\d.]+)\)", printed)
    assert match is not None, printed
    median, low, high = map(float, match.groups())
    assert 0 < low <= median <= high


@pytest.mark.slow
def test_planning_and_reports_are_timed_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    planning = importlib.import_module("planning")
    monkeypatch.setattr(planning, "JOBS", {(1, 2): 10})
    monkeypatch.setattr(planning, "RUNS", {(1, 1): 8})
    rows = [line.strip("| ").split(" | ") for line in planning.main(["--rounds", "1"]).splitlines()[2:]]
    assert [row[0].split(",")[0] for row in rows] == ["planning 10 jobs", "report of 8 runs"]
    assert all(float(seconds) > 0 for row in rows for seconds in row[1:])
