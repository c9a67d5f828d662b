"""Searches with Optuna: nothing lost when killed, one search a folder."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from helpers.searching import SETTINGS, TOY, finished, loss, toy, with_trials
from hourglass.config.validation import checked
from hourglass.core.errors import Busy, ConfigError
from hourglass.runs import status
from hourglass.sweeps.search.study import SearchSettings, ending, home, optimise, study_of


def record(study: Any) -> list[tuple[Any, ...]]:
    return [(t.number, t.state.name, t.params, t.value) for t in study.trials]


@pytest.mark.slow
def test_a_search_finds_the_better_half(tmp_path: Path) -> None:
    longer = with_trials(12)
    study = optimise(longer, TOY, tmp_path, 1, toy(tmp_path))
    assert [trial.number for trial in study.trials] == list(range(12))
    assert all(trial.value == loss(trial.params) for trial in study.trials)
    assert study.best_value < 0.4
    late = [trial.params["op"] for trial in study.trials[6:]]
    assert late.count("good") > late.count("bad")
    assert f"best of 12 trials: number {study.best_trial.number}, val/loss" in ending(study)
    assert record(optimise(longer, TOY, tmp_path, 1, toy(tmp_path))) == record(study)  # it is done


def test_jobs_get_what_is_fixed_what_was_chosen_and_their_number(tmp_path: Path) -> None:
    seen: list[list[list[str]]] = []

    def launch(jobs: list[list[str]], first: int) -> Sequence[Path]:
        assert first == sum(map(len, seen))
        seen.append(jobs)
        return toy(tmp_path)(jobs, first)

    study = optimise(with_trials(5), TOY, tmp_path, 2, launch)
    assert [len(jobs) for jobs in seen] == [2, 2, 1]
    for trial, overrides in zip(study.trials, [job for jobs in seen for job in jobs], strict=True):
        assert overrides == ["model=conv", *(f"{k}={v}" for k, v in trial.params.items()), f"trial={trial.number}"]


@pytest.mark.slow
def test_trials_that_fail_or_are_given_up_are_told_and_cost_only_themselves(tmp_path: Path) -> None:
    ends = {"0": "failed", "1": "incompatible", "2": "diverged", "3": "pruned"}
    study = optimise(SETTINGS, TOY, tmp_path, 1, toy(tmp_path, lambda given: ends.get(given["trial"], "completed")))
    assert [t.state.name for t in study.trials] == ["FAIL", "FAIL", "FAIL", "PRUNED", "COMPLETE", "COMPLETE"]
    hopeless = tmp_path / "hopeless"
    study = optimise(SETTINGS, TOY, hopeless, 4, toy(hopeless, lambda _: "failed"))
    assert len(study.trials) == 6
    assert ending(study) == "no trial of this search was completed"


@pytest.mark.slow
@pytest.mark.parametrize("before_the_end", [True, False], ids=["while training", "when just done"])
def test_a_killed_search_ends_as_an_unbroken_one(tmp_path: Path, before_the_end: bool) -> None:
    whole = record(optimise(SETTINGS, TOY, tmp_path / "whole", 1, toy(tmp_path / "whole")))
    folder = tmp_path / "broken"

    def killed(jobs: list[list[str]], first: int) -> Sequence[Path]:
        mark = folder / f"killed{first}"
        kill = first in (0, 3, 5) and not mark.exists()
        if kill:
            mark.touch()
        if not (kill and before_the_end):
            runs = toy(folder)(jobs, first)
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        return runs

    starts = 0
    while in_a_process(lambda: optimise(SETTINGS, TOY, folder, 1, killed)) == -signal.SIGKILL:
        starts += 1
    assert starts == 3
    assert record(study_of(TOY, folder)) == whole


@pytest.mark.slow
def test_no_finished_trial_is_lost_whenever_it_is_killed(tmp_path: Path) -> None:
    """SIGKILL at random moments, in the middle of a transaction too."""
    optimise(with_trials(1), TOY, tmp_path, 1, toy(tmp_path))
    generator, endless, done = random.Random(0), with_trials(1000), finished(tmp_path)
    patience = 1.0
    for _ in range(6):
        pause = generator.uniform(0.1, 0.5) * patience
        code = in_a_process(lambda: optimise(endless, TOY, tmp_path, 2, toy(tmp_path)), kill_after=pause)
        assert code == -signal.SIGKILL
        before, done = done, finished(tmp_path)
        assert done[: len(before)] == before
        patience *= 1 if len(done) > len(before) else 2  # on a machine that has other work
    trials = optimise(with_trials(1), TOY, tmp_path, 2, toy(tmp_path)).trials  # what is left over
    assert len(trials) > 2
    assert all(trial.value == loss(trial.params) for trial in trials)


def in_a_process(work: Callable[[], object], kill_after: float | None = None) -> int:
    """The exit code of a forked process that does this, negative for a signal."""
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_interrupted_trial_stays_open_and_is_the_first_of_the_next_time(tmp_path: Path) -> None:
    few = with_trials(2)
    stopped = toy(tmp_path, lambda given: "interrupted" if given["trial"] == "0" else "completed")
    study = optimise(few, TOY, tmp_path, 1, stopped)
    assert [trial.state.name for trial in study.trials] == ["RUNNING", "COMPLETE"]
    again = optimise(few, TOY, tmp_path, 1, toy(tmp_path))
    assert [trial.state.name for trial in again.trials] == ["COMPLETE", "COMPLETE"]
    assert again.trials[0].params == study.trials[0].params


def test_one_folder_one_search_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    optimise(with_trials(1), TOY, tmp_path, 1, toy(tmp_path))
    with pytest.raises(ConfigError, match="another space or with other values fixed: give another sweep="):
        optimise(SETTINGS, TOY._replace(name="other"), tmp_path, 1, toy(tmp_path))
    monkeypatch.setattr(status, "WAIT", 0.1)
    with status.lock(home(tmp_path)), pytest.raises(Busy):
        optimise(SETTINGS, TOY, tmp_path, 1, toy(tmp_path))
    with pytest.raises(ConfigError, match=r"search.trials=0: input should be greater than or equal to 1"):
        checked(SearchSettings, {"trials": 0, "random_trials": 3, "seed": 0}, "search")
