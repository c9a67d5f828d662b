"""What `tune=` and `budgets=` ask for: read, and refused where it cannot work."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import Glob

from hourglass.config.configuration import Configuration, Node, flat
from hourglass.config.identity import is_volatile
from hourglass.config.overrides import parse
from hourglass.config.validation import check, checked
from hourglass.core.errors import ConfigError
from hourglass.core.text import as_option, counted, meant
from hourglass.core.types import Count, Seed, Size
from hourglass.runs.read import TUNING
from hourglass.sweeps.tuning.grid import Axis, Point, as_overrides, points
from hourglass.sweeps.tuning.values import refusal

Numbers = list[float] | None
"""What is to be tried of a key; None: what lies around the configured value"""
LENGTH = {
    "trainer.max_steps": "",
    "trainer.max_epochs": "-1",
    "trainer.check_val_every_n_epoch": "1000000000",  # never: it is validated at its end, as any run that ends before
}
"""What `budgets=` sets of each job, beside the steps themselves"""


@dataclass(frozen=True)
class TuningSettings:
    """`tuning:` in the configuration."""

    seeds: list[Seed]
    metric: str | None
    """`val/…`; None: `val/mse`, or `val/loss` where there is none"""
    extensions: Size
    """Values that a grid may grow by on either side"""


@dataclass(frozen=True)
class Tuning:
    axes: list[Axis]
    configurations: list[list[str]]
    """The overrides of each but for its seed and what is tuned"""
    seeds: list[str]
    """The reported ones"""
    settings: TuningSettings

    @property
    def keys(self) -> list[str]:
        return [axis.key for axis in self.axes]

    def tuning_jobs(self, configuration: int, point: Point) -> list[list[str]]:
        seeds = self.settings.seeds
        return [[*self._trained(configuration, point), f"seed={seed}", TUNING] for seed in seeds]

    def reported_jobs(self, configuration: int, point: Point) -> list[list[str]]:
        return [[*self._trained(configuration, point), f"seed={seed}"] for seed in self.seeds]

    def first_round(self) -> list[list[str]]:
        """The tuning jobs of the grid as it is asked for."""
        of_each = itertools.product(range(len(self.configurations)), points(self.axes))
        return [job for configuration, point in of_each for job in self.tuning_jobs(configuration, point)]

    def what_follows(self) -> str:
        """`then 16 reported jobs; up to 36 more to tune before, where …`"""
        reported = counted(len(self.configurations) * len(self.seeds), "reported job")
        growing = [len(axis.values) + (2 * self.settings.extensions if axis.ratio else 0) for axis in self.axes]
        each = len(self.configurations) * len(self.settings.seeds)
        more = each * (math.prod(growing) - len(points(self.axes)))
        up_to = f"; before them up to {more} more to tune, while the best lies at the edge of the grid" if more else ""
        return f"then {reported}, with the value that is best for each{up_to}"

    def _trained(self, configuration: int, point: Point) -> list[str]:
        return [*self.configurations[configuration], *as_overrides(self.keys, point)]

    def __str__(self) -> str:
        grid = " × ".join(f"{len(axis.values)} values of {axis.key}" for axis in self.axes)
        many = counted(len(self.configurations), "configuration")
        own, reported = len(self.settings.seeds), len(self.seeds)
        return f"{many} × {grid} × {own} tuning seeds, then {reported} reported seeds of each"


def read_tuning(
    plain: Node,
    jobs: Sequence[Sequence[str]],
    seeds: Sequence[str],
    composed: Callable[[Sequence[str]], Configuration],
) -> Tuning:
    """From what all jobs share, the overrides of each configuration (all but the seed), and the reported seeds.

    `composed` gives the configuration of overrides. Raises ConfigError for what cannot be tuned.
    """
    settings, values = checked(TuningSettings, plain["tuning"], "tuning"), _values(plain["tune"])
    seeds = list(seeds) or [str(plain["seed"])]
    if not settings.seeds or len(set(settings.seeds)) < len(settings.seeds):
        raise ConfigError(f"tuning.seeds={as_option(settings.seeds)}: give seeds to tune on, each once")
    if shared := {*map(str, settings.seeds)} & {*seeds}:
        raise ConfigError(f"seed {min(shared)} is reported and tuned on: give other tuning.seeds, or other seeds")
    if settings.metric is not None and not settings.metric.startswith("val/"):
        raise ConfigError(f"tuning.metric={settings.metric}: tune by the validation images, as in val/mse")
    there = {key: _configured(key, given, jobs, composed) for key, given in values.items()}
    kept = [tuple(override for override in job if override.split("=")[0] not in values) for job in jobs]
    configurations = list(map(list, dict.fromkeys(kept)))
    axes = [_axis(key, given, there[key], configurations, composed) for key, given in values.items()]
    return Tuning(axes, configurations, seeds, settings)


def _configured(
    key: str, given: Numbers, jobs: Sequence[Sequence[str]], composed: Callable[[Sequence[str]], Configuration]
) -> Any:
    """What the jobs have for a key that is tuned; one value for all of them where none are given."""
    swept = {override for job in jobs for override in job if override.startswith(f"{key}=")}
    if len(swept) > 1:
        raise ConfigError(f"{key} is tuned and swept: leave it out of one of them")
    if given is not None and swept:
        tried = f"tune.{key}=choice({','.join(map(as_option, given))})"
        raise ConfigError(f"{min(swept)} has no effect, as {tried} says what is tried: leave it out, or give tune=null")
    there = {as_option(value): value for job in jobs for value in [_value(composed(job).plain, key, given)]}
    if given is None and len(there) > 1:
        values_for_all = f"give the values for all, as in tune.{key}=choice(0.005,0.01)"
        raise ConfigError(f"{key} is {' or '.join(there)}: {values_for_all}")
    return next(iter(there.values()))


def _axis(
    key: str,
    given: Numbers,
    configured: Any,
    configurations: Sequence[Sequence[str]],
    composed: Callable[[Sequence[str]], Configuration],
) -> Axis:
    """The values to try, of whole numbers where the key takes no others; raises ConfigError for one that is refused."""

    def why_not(value: float, job: Sequence[str]) -> str:
        return refusal(composed([*job, *as_overrides([key], (value,))]), key)

    whole = type(configured) is int and all(type(value) is int for value in given or ())
    whole = whole and all(why_not(value, configurations[0]) for value in (configured - 0.5, configured + 0.5))
    axis = Axis.of(key, given, whole=whole) if given else Axis.around(key, configured, whole=whole)
    for value, job in itertools.product(axis.values, configurations):
        if why := why_not(value, job):
            raise ConfigError(f"tune.{key}: {why}; say what to try, as in tune.{key}=choice(…)")
    return axis


def _values(tune: Any) -> dict[str, Numbers]:
    """Key -> the values that are given for it, None where there are none."""
    given = dict.fromkeys(tune) if isinstance(tune, list) else tune
    if not isinstance(given, Mapping) or not given or not all(isinstance(key, str) for key in given):
        raise ConfigError(f"tune={tune}: name what is tuned, as in tune=[optimizer.lr]")
    for key, values in given.items():
        numbers = isinstance(values, list) and all(type(v) in (int, float) and math.isfinite(v) for v in values)
        if values is not None and not (values and numbers):
            raise ConfigError(f"tune.{key}={as_option(values)}: give numbers, as in tune.{key}=choice(0.005,0.01)")
    return dict(given)


def _value(plain: Node, key: str, given: Numbers) -> Any:
    """What is configured of a key that is tuned."""
    leaves = {name: leaf for name, leaf in flat(plain).items() if not is_volatile(name)}
    if key not in leaves or key == "seed":
        near = "" if key == "seed" else meant(key, leaves)
        instead = f": {near}" if near else ", as optimizer.lr is"
        raise ConfigError(f"tune=[{key}]: {key} is no value that can be tuned{instead}")
    value = leaves[key]
    if given is None and not (type(value) in (int, float) and value > 0):
        raise ConfigError(f"{key} is {as_option(value)}: say what to try, as in tune.{key}=choice(0.005,0.01)")
    return value


def gathered(overrides: Sequence[str]) -> list[str]:
    """With `tune={optimizer.lr:[0.005,0.01]}`, a value like any other, for `tune.optimizer.lr=choice(0.005,0.01)`.

    Raises ConfigError for what cannot be enumerated.
    """
    rest = [override for override in overrides if not override.startswith("tune.")]
    values = []
    for override in parse(o for o in overrides if o.startswith("tune.")):
        key, value = override.key_or_group.removeprefix("tune."), override.value()
        if override.is_sweep_override():
            if not override.is_discrete_sweep() or isinstance(value, Glob):
                raise ConfigError(f"{override.input_line}: a grid has values, as in tune.{key}=choice(0.005,0.01)")
            value = list(override.sweep_iterator())
        values.append(f"{key}:{as_option(value if isinstance(value, list) else [value])}")
    if values and any(override.startswith("tune=") for override in rest):
        raise ConfigError("tune= and tune.KEY= both say what is tuned: give all keys as tune.KEY=choice(…)")
    return [*rest, f"tune={{{','.join(values)}}}"] if values else rest


def of_budgets(budgets: Any, overrides: Sequence[str]) -> list[str]:
    """The overrides that make a run of its own for each of these numbers of steps; nothing for None.

    Raises ConfigError where they are none, or where another option says how long a run is.
    """
    if budgets is None:
        return []
    check(budgets, list[Count], "budgets")
    if not budgets or len(set(budgets)) < len(budgets):
        raise ConfigError(f"budgets={as_option(budgets)}: give numbers of steps, each once, as in [250,1250,5000]")
    for override in overrides:
        if (key := override.split("=")[0].lstrip("+~")) in LENGTH:
            raise ConfigError(f"{key} and budgets= both say how long a run is: leave one of them out")
    steps = {"trainer.max_steps": ",".join(map(str, budgets))}
    return [f"{key}={value}" for key, value in (LENGTH | steps).items()]
