"""Search: Optuna or W&B choose the jobs of a sweep, from one space in Hydra's own grammar. No torch in here."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from omegaconf import DictConfig
from pydantic import Field

from hourglass.config import validation as checks
from hourglass.core.errors import ConfigError
from hourglass.runs import status as states
from hourglass.sweeps.progress import value_of
from hourglass.sweeps.sweeps.sweeps import name_of

if TYPE_CHECKING:
    import optuna

AtLeastOne = Annotated[int, Field(ge=1)]  # spec.Count, without its torch
Launch = Callable[[list[list[str]], int], Sequence[Path]]
"""From the overrides of some jobs, and the number of the first, to their run folders, once they have ended."""


class Choice(NamedTuple):
    """Unordered values, as an override spells them: `resize`, `[16,32]`."""

    values: list[str]


class Interval(NamedTuple):
    """Numbers from `low` to `high`, both included; integers if both are."""

    low: float
    high: float
    step: float | None
    log: bool

    @property
    def integer(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


class Space(NamedTuple):
    fixed: list[str]
    """Overrides that all trials share."""
    varied: dict[str, Choice | Interval]
    name: str
    """Of all this, the same for the same search."""


def read_space(configured: DictConfig, overrides: list[str], parser: OverridesParser) -> Space:
    """The space of `conf/search/space.yaml`, changed by the command line: what is given there wins, fixed or swept."""
    given = parser.parse_overrides(overrides)
    named = {override.get_key_element() for override in given}
    space = [f"{key!s}={sweep}" for key, sweep in configured.items() if key not in named]
    together = [*parser.parse_overrides(space), *given]
    varied = {o.get_key_element(): parameter(o) for o in together if o.is_sweep_override()}
    if not varied:
        raise ConfigError("there is nothing to search: give a key a range, as in optimizer.lr='interval(0.001,0.01)'")
    fixed = [str(override.input_line) for override in together if not override.is_sweep_override()]
    return Space(fixed, varied, name_of([*overrides, *space]))


def parameter(override: Override) -> Choice | Interval:
    """`choice(a,b)`, `range(8,65,8)`, `interval(0.1,1)`, `tag(log, interval(…))`, `int(interval(…))`."""
    sweep = override.value()
    if isinstance(sweep, RangeSweep):
        values = list(sweep.range())
        return Interval(values[0], values[-1], sweep.step, log=False)
    if not isinstance(sweep, IntervalSweep):
        return Choice(list(override.sweep_string_iterator()))
    assert sweep.start is not None
    assert sweep.end is not None
    log = "log" in sweep.tags
    if sweep.start >= sweep.end or (log and sweep.start <= 0):
        raise ConfigError(
            f"{override.input_line}: an interval goes from a smaller to a larger number{', above 0' if log else ''}"
        )
    return Interval(sweep.start, sweep.end, None, log)


# Optuna


def home(sweep: Path) -> Path:
    """The part of a sweep folder where a search remembers itself."""
    return sweep / "search"


def storage(sweep: Path) -> "optuna.storages.RDBStorage":
    """The database of a search; no connection stays open, for one that is held across a fork would lose its locks."""
    try:
        import optuna
        from sqlalchemy.pool import NullPool
    except ImportError:
        raise ConfigError("search=optuna needs a package more: pip install -e '.[optuna]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    options = {"poolclass": NullPool, "connect_args": {"timeout": 60}}  # seconds to wait for another writer
    return optuna.storages.RDBStorage(f"sqlite:///{home(sweep) / 'optuna.db'}", engine_kwargs=options)


def optimise(settings: DictConfig, space: Space, folder: Path, parallel: int, launch: Launch) -> "optuna.Study":
    """Run trials until there are `settings.trials`, `parallel` at a time, and minimise the best val/loss of each.

    What a killed search has finished is kept; what was running then is launched again first, with the same parameters.
    Each suggestion is a function of (settings.seed, number of the trial, trials before it), not of interruptions.
    """
    checks.check(settings.trials, AtLeastOne, "search.trials")
    checks.check(settings.random_trials, AtLeastOne, "search.random_trials")
    home(folder).mkdir(parents=True, exist_ok=True)
    with states.lock(home(folder)):  # two processes would both launch what a third one left
        study = study_of(space, folder)
        import optuna
        from optuna.trial import TrialState

        left = [optuna.Trial(study, trial._trial_id) for trial in study.get_trials(states=(TrialState.RUNNING,))]
        pending = [suggest(study, trial, space, settings) for trial in left]
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


def study_of(space: Space, folder: Path) -> "optuna.Study":
    """The study of this space; raises ConfigError where the folder holds one of another."""
    database = storage(folder)
    import optuna

    others = set(optuna.get_all_study_names(database)) - {space.name}
    if others:
        raise ConfigError(f"{folder} holds a search over another space or with other values fixed: give another sweep=")
    return optuna.create_study(storage=database, study_name=space.name, load_if_exists=True)


def suggest(
    study: "optuna.Study", trial: "optuna.Trial", space: Space, settings: DictConfig
) -> tuple[int, dict[str, Any]]:
    """Number and parameters of a trial: those it has already, as far as it has them, and new ones."""
    import optuna

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


def tell(study: "optuna.Study", number: int, run: Path) -> None:
    """What became of a trial, as its run folder has it; one that was interrupted stays open, for the next time."""
    from optuna.trial import TrialState

    status = states.status_of(run)
    if status == "completed":
        study.tell(number, value_of(run))
    elif status not in ("planned", "running", "interrupted"):
        study.tell(number, state=TrialState.PRUNED if status == "pruned" else TrialState.FAIL)


def ending(study: "optuna.Study") -> str:
    """The best trial and what it was given."""
    from optuna.trial import TrialState

    if not study.get_trials(states=(TrialState.COMPLETE,)):
        return "no trial of this search was completed"
    best = study.best_trial
    chosen = " ".join(f"{key}={value}" for key, value in best.params.items())
    return f"\nbest of {len(study.trials)} trials: number {best.number}, val/loss {best.value:.5g}\n  {chosen}"


# W&B


def write_wandb_sweep(config: DictConfig, space: Space, path: Path) -> None:
    """What `wandb sweep FILE` wants, for the same space."""
    ours = ("search=", "search.", "sweep=", "hydra.")  # about this command, not about the runs of an agent
    fixed = [override for override in space.fixed if not override.startswith(ours)]
    logger = (config.logger or {}).get("wandb") or {}
    checks.check(config.search.trials, AtLeastOne, "search.trials")
    sweep = {
        "name": config.sweep,
        **{key: logger[key] for key in ("project", "entity") if logger.get(key)},
        "program": "train.py",
        "command": ["${env}", "${interpreter}", "${program}", *fixed, "${args_no_hyphens}"],
        "method": "bayes",
        "metric": {"name": "val/loss", "goal": "minimize"},
        "run_cap": config.search.trials,
        "parameters": {key: wandb_parameter(parameter) for key, parameter in space.varied.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(sweep, sort_keys=False, width=120))


def wandb_parameter(parameter: Choice | Interval) -> dict[str, Any]:
    if isinstance(parameter, Choice):
        return {"values": parameter.values}
    limits: dict[str, Any] = {"min": parameter.low, "max": parameter.high}
    step = parameter.step or (1 if parameter.integer else None)
    kind = "log_uniform_values" if parameter.log else "uniform"
    if step is None:
        return {"distribution": kind, **limits}
    if step == 1 and not parameter.log:
        return {"distribution": "int_uniform", **limits}
    return {"distribution": f"q_{kind}", "q": step, **limits}
