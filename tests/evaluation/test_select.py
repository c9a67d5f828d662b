"""Which runs of a folder are evaluated."""

from pathlib import Path

import pytest

from helpers.sweep_folders import change, jobs, make, spoil
from hourglass.core.errors import DataError
from hourglass.runs.evaluation.select import runs_of


def test_of_a_sweep_the_completed_runs_that_are_reported_are_evaluated(tmp_path: Path) -> None:
    folder = make(tmp_path / "s", ["decoder=resize", "decoder=transpose"], seeds=range(2))
    first, second, tuned, lost = jobs(folder)
    change(tuned, overrides=["decoder=transpose", "reported=false", "seed=1000"])
    spoil(lost, "diverged", "the loss became nan")
    runs, left_out = runs_of(folder)
    assert runs == sorted([first, second])
    assert left_out == {lost.name: "diverged: the loss became nan", "1 run": "which only served to tune"}
    assert runs_of(tuned) == ([tuned], {})  # who names it, wants it
    for run in (first, second):
        change(run, overrides=["decoder=resize", "reported=false"])
    with pytest.raises(DataError, match=r"no completed run to evaluate .*3 runs, which only served to tune"):
        runs_of(folder)
