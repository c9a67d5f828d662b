"""Optuna as the searcher: a study in the sweep's folder, whose trials are the jobs of the sweep."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from sqlalchemy.pool import NullPool

from hourglass.core.compat.optuna import open_trial
from hourglass.core.errors import ConfigError
from hourglass.core.types import Count
from hourglass.runs import status
from hourglass.sweeps.search.space import Choice, Space

Launch = Callable[[list[list[str]], int], Sequence[Path]]
"""From the overrides of some jobs, and the number of the first, to their run folders, once they have ended."""


@dataclass(frozen=True)
class SearchSettings:
    """`search:` in the configuration."""

    trials: Count
    """In all, however they end"""
    random_trials: Count
    """Drawn at random, before there is enough to learn from"""
    seed: int
    """Of the suggestions"""


def home(sweep: Path) -> Path:
    """The part of a sweep folder where a search remembers itself."""
    return sweep / "search"


def storage(sweep: Path) -> optuna.storages.RDBStorage:
    """The database of a search; no connection stays open, for one that is held across a fork would lose its locks."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    options = {"poolclass": NullPool, "connect_args": {"timeout": 60}}  # seconds to wait for another writer
    return optuna.storages.RDBStorage(f"sqlite:///{home(sweep) / 'optuna.db'}", engine_kwargs=options)


def optimise(settings: SearchSettings, space: Space, folder: Path, parallel: int, launch: Launch) -> optuna.Study:
    """Run trials until there are `settings.trials`, `parallel` at a time, and minimise the best val/loss of each.

    What a killed search has finished is kept; what was running then is launched again first, with the same parameters.
    Each suggestion is a function of (settings.seed, number of the trial, trials before it), not of interruptions.
    """
    home(folder).mkdir(parents=True, exist_ok=True)
    with status.lock(home(folder)):  # two processes would both launch what a third one left
        study = study_of(space, folder)
        cut_short = study.get_trials(states=(TrialState.RUNNING,))
        pending = [suggest(study, open_trial(study, trial), space, settings) for trial in cut_short]
        while True:
            while len(pending) < parallel and len(study.trials) < settings.trials:
                pending.append(suggest(study, study.ask(), space, settings))
            batch, pending = pending[:parallel], pending[parallel:]
            if not batch:
                return study
            jobs = [
                [*space.fixed, *(f"{key}={value}" for key, value in chosen.items()), f"trial={number}"]
                for number, chosen in batch
            ]
            for (number, _), run in zip(batch, launch(jobs, batch[0][0]), strict=True):
                tell(study, number, run)


def study_of(space: Space, folder: Path) -> optuna.Study:
    """The study of this space; raises ConfigError where the folder holds one of another."""
    database = storage(folder)
    others = set(optuna.get_all_study_names(database)) - {space.name}
    if others:
        raise ConfigError(f"{folder} holds a search over another space or with other values fixed: give another sweep=")
    return optuna.create_study(storage=database, study_name=space.name, load_if_exists=True)


def suggest(
    study: optuna.Study, trial: optuna.Trial, space: Space, settings: SearchSettings
) -> tuple[int, dict[str, Any]]:
    """Number and parameters of a trial: those it has already, as far as it has them, and new ones."""
    seed = random.Random(f"{settings.seed}/{trial.number}").getrandbits(31)
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=settings.random_trials, seed=seed)
    for key, parameter in space.varied.items():
        if isinstance(parameter, Choice):
            trial.suggest_categorical(key, parameter.values)
        elif parameter.integer:
            low, high, step = int(parameter.low), int(parameter.high), int(parameter.step or 1)
            trial.suggest_int(key, low, high, step=step, log=parameter.log)
        else:
            trial.suggest_float(key, parameter.low, parameter.high, step=parameter.step, log=parameter.log)
    return trial.number, trial.params


def tell(study: optuna.Study, number: int, run: Path) -> None:
    """What became of a trial, as its run folder has it; one that was interrupted stays open, for the next time."""
    ended = status.status_of(run)
    if ended == "completed":
        study.tell(number, status.value_of(run))
    elif ended not in ("planned", "running", "interrupted"):
        study.tell(number, state=TrialState.PRUNED if ended == "pruned" else TrialState.FAIL)


def ending(study: optuna.Study) -> str:
    """The best trial and what it was given."""
    if not study.get_trials(states=(TrialState.COMPLETE,)):
        return "no trial of this search was completed"
    best = study.best_trial
    chosen = " ".join(f"{key}={value}" for key, value in best.params.items())
    return f"\nbest of {len(study.trials)} trials: number {best.number}, val/loss {best.value:.5g}\n  {chosen}"
