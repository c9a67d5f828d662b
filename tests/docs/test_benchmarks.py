"""The benchmark's table is whole and its numbers are numbers; how fast anything is depends on the machine."""

import importlib
import re

import pytest
import torch

from helpers.project import ROOT, run_command


@pytest.mark.slow
def test_throughput_measures_every_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    throughput = importlib.import_module("throughput")
    printed = throughput.main(["--images", "256", "--rounds", "1", "callbacks.checkerboards.images=8"])
    table, footer = printed.split("\n\n")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    expected = [(f"{model}, 256 images", name) for model in throughput.IMAGES for name in throughput.contenders()]
    assert [(row[0], row[1]) for row in rows] == expected
    for _, name, rate, ratio in rows:
        assert float(rate.replace(",", "")) > 0
        median, *spread = (float(number) for number in re.findall(r"[\d.]+", ratio))
        assert median > 0
        assert spread == ([] if name == "hourglass" else [median, median])  # one round
    assert torch.__version__ in footer
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
def test_a_job_of_a_sweep_is_measured_by_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    causes = importlib.import_module("causes")
    done = run_command("benchmarks/sweep.py", "--jobs", "3", "callbacks.checkerboards.images=8", timeout=240)
    rows = seconds_by_cause(done.stdout)
    assert set(causes.CAUSES) - {"training"} < set(rows)
    assert min(rows.values()) >= 0
    assert rows.pop("**together**") == pytest.approx(sum(rows.values()), abs=0.1)
    assert re.search(r"Means of 3 jobs; training itself [\d.]+ s", done.stdout)


@pytest.mark.slow
def test_the_way_to_the_first_step_is_measured_by_cause() -> None:
    small = ("trainer.max_epochs=1", "trainer.limit_train_batches=2", "callbacks.checkerboards.images=8")
    done = run_command("benchmarks/first_result.py", "--rounds", "1", "--against", str(ROOT), *small)
    first, whole = (float(text) for text in re.findall(r"\| to the \S+ \S+.*? \| ([\d.]+)", done.stdout)[::2])
    assert 0 < first < whole
    assert seconds_by_cause(done.stdout)["**together**"] == pytest.approx(whole, abs=0.1)


def seconds_by_cause(printed: str) -> dict[str, float]:
    rows = re.findall(r"\| (\S.*?) \| \**([\d.-]+)\** \| \**[\d.-]+\** \|", printed)
    return {cause: float(seconds) for cause, seconds in rows}


@pytest.mark.slow
def test_planning_and_reports_are_timed_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    planning = importlib.import_module("planning")
    monkeypatch.setattr(planning, "JOBS", {(1, 2): 10})
    monkeypatch.setattr(planning, "RUNS", {(1, 1): 8})
    rows = [line.strip("| ").split(" | ") for line in planning.main(["--rounds", "1"]).splitlines()[2:]]
    assert [row[0].split(",")[0] for row in rows] == ["planning 10 jobs", "report of 8 runs"]
    assert all(float(seconds) > 0 for row in rows for seconds in row[1:])


@pytest.mark.slow
def test_equal_latencies_come_with_widths_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    equal_latency = importlib.import_module("equal_latency")
    table = equal_latency.main(["resize", "channels=[32,32]", "--rounds", "3"]).split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == ["transpose", "resize"]
    widths = [int(re.search(r"decoder.channels=\[(\d+)\]", row[1])[1]) for row in rows]  # type: ignore[index]
    assert widths[1] < widths[0]  # its pixels are four times as many


@pytest.mark.slow
def test_what_many_jobs_take_is_timed_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    many_jobs = importlib.import_module("many_jobs")
    head, _, *rows = many_jobs.main(["--jobs", "10,20"]).splitlines()
    assert head == "| seconds of computing | 10 jobs | 20 jobs | growth |"
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[0] for row in cells] == list(many_jobs.STEPS)
    assert all(float(seconds) > 0 for row in cells for seconds in row[1:3])
