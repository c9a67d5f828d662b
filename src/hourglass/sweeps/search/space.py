"""What a search chooses among, in Hydra's own grammar of sweeps."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from hourglass.config.overrides import sweep_name
from hourglass.core.errors import ConfigError

Parse = Callable[[list[str]], list[Override]]


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


def read_space(configured: Mapping[str, str], overrides: list[str], parse: Parse) -> Space:
    """The space of `conf/search/space.yaml`, changed by the command line: what is given there wins, fixed or swept."""
    given = parse(overrides)
    named = {override.get_key_element() for override in given}
    space = [f"{key}={sweep}" for key, sweep in configured.items() if key not in named]
    together = [*parse(space), *given]
    varied = {o.get_key_element(): parameter(o) for o in together if o.is_sweep_override()}
    if not varied:
        raise ConfigError("there is nothing to search: give a key a range, as in optimizer.lr='interval(0.001,0.01)'")
    fixed = [str(override.input_line) for override in together if not override.is_sweep_override()]
    return Space(fixed, varied, sweep_name([*overrides, *space]))


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
