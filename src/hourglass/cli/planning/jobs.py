"""The jobs that a command line asks for, composed; and what it is to tune first."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig

from hourglass.cli.planning.judging import Composed, judged_by, refuse_shared_seeds
from hourglass.cli.planning.measured import measures, not_measured
from hourglass.config.configuration import Configuration
from hourglass.config.overrides import refuse_careless, refuse_swept, sweep_name
from hourglass.config.parts import Parts
from hourglass.core.compat.hydra import (
    Application,
    Hydra,
    Jobs,
    compose_sweep,
    given_of_sweep,
    jobs_of_sweep,
    values_of_sweep,
)
from hourglass.core.errors import ConfigError
from hourglass.runs.read import as_line
from hourglass.sweeps.declaration import Declared
from hourglass.sweeps.tuning.plan import Tuning, gathered, of_budgets, read_tuning

SOME = 50
"""Jobs that are planned without a word: each that chooses other options takes a tenth of a second."""


def named(application: Application) -> list[str]:
    """The name of the sweep, as an override, where the command line gives none; its options are put in order."""
    application.arguments.overrides = gathered(application.overrides)
    refuse_careless(application.overrides)
    if any(override.startswith("sweep=") for override in application.overrides):
        return []
    return [f"sweep={sweep_name(application.overrides)}"]


def configuration_of(jobs: Jobs, overrides: Sequence[str]) -> Configuration:
    """Of one job; raises ConfigError where a value of it that is no part is refused."""
    configuration = Configuration.of(jobs.compose(overrides))
    _ = Parts(configuration).settings
    return configuration


def each_job(config: DictConfig, composed: Composed) -> Iterator[tuple[list[str], Configuration]]:
    """The jobs of a grid, each once: its overrides, and its configuration."""
    jobs, known = jobs_of_sweep(config), set[str]()
    if len(jobs) > SOME:
        print(f"planning {len(jobs)} jobs", flush=True)
    for number, job in enumerate(jobs):
        configuration = composed(job)
        if configuration.id in known:
            same = "has the same configuration as an earlier one: it is trained once"
            print(f"job {number}, {as_line(job)}, {same}")
        else:
            known.add(configuration.id)
            yield job, configuration


def compose(hydra: Hydra, application: Application, name: list[str]) -> tuple[DictConfig, list[str]]:
    """What all jobs share, and the overrides that make it so: budgets and tuning, which an experiment may ask for."""
    config = compose_sweep(hydra, application.name, [*application.overrides, *name])
    refuse_swept(given_of_sweep(config))
    plain = Configuration.of(config).plain
    more = [*name, *of_budgets(plain["budgets"], application.overrides)]
    if (plain["tune"], plain["budgets"]) != (None, None) and not config.hydra.sweeper._target_.endswith("BasicSweeper"):
        raise ConfigError("a search chooses by itself what is trained, and how long: leave out tune= and budgets=")
    if plain["tune"] is not None:
        more.append("hydra/sweeper=tuning")
    return (compose_sweep(hydra, application.name, [*application.overrides, *more]) if more != name else config), more


def refuse_what_cannot_work(
    config: DictConfig, folder: Path, composed: Composed
) -> tuple[Declared, str, Tuning | None]:
    """Of a sweep that is no search: what it declares, a sentence where it can show nothing by it, and what it tunes
    first. Raises ConfigError where its jobs, or earlier ones in its folder, contradict that."""
    declared, note = judged_by(config, folder, composed)
    tuning = tuning_of(config, composed) if config.tune is not None else None
    refuse_shared_seeds(folder, *seeds_of(config, tuning))
    return declared, note, tuning


def tuning_of(config: DictConfig, composed: Composed) -> Tuning:
    """What a composed sweep is to tune; raises ConfigError for what cannot be tuned, or not by what is asked for."""
    jobs, seeds = jobs_of_sweep(config, without=("seed",)), values_of_sweep(config, "seed")
    tuning = read_tuning(Configuration.of(config).plain, jobs, seeds, composed)
    if (metric := tuning.settings.metric) is not None:
        of_each = [composed(job).plain for job in jobs]
        if not all(measures(plain, metric) for plain in of_each):
            raise ConfigError(f"tuning.metric={metric}: {not_measured(of_each, metric)}")
    return tuning


def seeds_of(config: DictConfig, tuning: Tuning | None) -> tuple[list[str], list[str]]:
    """Those that a composed sweep tunes on, and those that it reports."""
    if tuning is not None:
        return [str(seed) for seed in tuning.settings.seeds], tuning.seeds
    return [], values_of_sweep(config, "seed") or [str(config.seed)]
