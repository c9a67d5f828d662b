"""Optuna is still what we rely on: an upgrade that changes it fails this test."""

import optuna

from hourglass.core.compat.optuna import open_trial


def test_an_open_trial_is_handed_out_again_and_no_other_is_begun() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    study.enqueue_trial({"x": 0.25})
    begun = [study.ask(), study.ask()]
    for trial in begun:
        trial.suggest_float("x", 0, 1)
    frozen = study.get_trials(states=[optuna.trial.TrialState.RUNNING])
    assert [trial.number for trial in frozen] == [0, 1]
    again = open_trial(study, frozen[0])
    assert (again.number, again.params) == (0, {"x": 0.25})
    assert again.suggest_float("x", 0, 1) == 0.25
    again.report(3.0, step=2)
    assert study.trials[0].intermediate_values == {2: 3.0}
    study.tell(again, 1.5)
    assert [(t.state.name, t.value) for t in study.trials] == [("COMPLETE", 1.5), ("RUNNING", None)]
    assert study.best_params == {"x": 0.25}
