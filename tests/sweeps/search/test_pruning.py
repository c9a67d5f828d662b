"""Bad trials of a search are given up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from helpers.searching import TOY
from hourglass.core.errors import Pruned
from hourglass.sweeps.search.pruning import Pruning
from hourglass.sweeps.search.study import home, study_of


def study_with_curves(folder: Path) -> int:
    """Three completed trials with val/loss 1, 2, 3 at every epoch, and a fourth that runs; its number."""
    home(folder).mkdir()
    study = study_of(TOY, folder)
    for value in (1.0, 2.0, 3.0):
        trial = study.ask()
        for epoch in range(1, 5):
            trial.report(value, epoch)
        study.tell(trial, value)
    return study.ask().number


def validate(
    callback: Pruning, folder: Path, epoch: int, value: float, rank_zero: bool = True, others: Any = None
) -> None:
    trainer = SimpleNamespace(
        default_root_dir=str(folder / "run"),
        current_epoch=epoch - 1,
        callback_metrics={"val/loss": torch.tensor(value)},
        is_global_zero=rank_zero,
        strategy=SimpleNamespace(broadcast=lambda decision: decision if rank_zero else others),
    )
    callback.on_validation_end(trainer, None)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_trial_worse_than_the_median_is_given_up_after_its_first_epochs(tmp_path: Path) -> None:
    number = study_with_curves(tmp_path)
    callback = Pruning(number, {"after_trials": 3, "after_epochs": 2})
    validate(callback, tmp_path, 1, 2.5)  # the median is 2, but it is too early
    validate(callback, tmp_path, 2, 1.9)
    validate(callback, tmp_path, 3, 2.5)  # its best is still 1.9
    other = study_of(TOY, tmp_path).ask().number
    validate(Pruning(other, {"after_trials": 4, "after_epochs": 1}), tmp_path, 2, 2.1)  # 3 others are too few
    with pytest.raises(Pruned, match="at epoch 3 it was worse"):
        validate(Pruning(other, {"after_trials": 3, "after_epochs": 1}), tmp_path, 3, 2.1)
    assert study_of(TOY, tmp_path).trials[number].intermediate_values == {1: 2.5, 2: pytest.approx(1.9), 3: 2.5}


@pytest.mark.slow
def test_without_pruning_and_after_the_end_of_the_trial_nothing_is_given_up(tmp_path: Path) -> None:
    number = study_with_curves(tmp_path)
    validate(Pruning(number, None), tmp_path, 3, 9.0)
    study_of(TOY, tmp_path).tell(number, 9.0)
    validate(Pruning(number, {"after_trials": 1, "after_epochs": 1}), tmp_path, 4, 9.0)  # `resume=` trains it again
    assert study_of(TOY, tmp_path).trials[number].intermediate_values == {3: 9.0}


def test_rank_zero_decides_for_all(tmp_path: Path) -> None:
    callback = Pruning(0, {"after_trials": 1, "after_epochs": 1})
    validate(callback, tmp_path, 3, 2.1, rank_zero=False, others=False)
    with pytest.raises(Pruned):
        validate(callback, tmp_path, 3, 2.1, rank_zero=False, others=True)
