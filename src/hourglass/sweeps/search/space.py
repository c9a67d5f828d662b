"""What a search chooses among, in Hydra's own grammar of sweeps."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Sweep

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
    """`choice(a,b)`, `range(8,65,8)`, `interval(0.1,1)`, `tag(log, interval(…))`, `int(interval(…))`, `glob(res*)`.

    The same in every command, also of what Hydra would shuffle. Raises ConfigError for what no search can draw from.
    """
    sweep, text = override.value(), str(override.input_line)
    tags: set[str] = getattr(sweep, "tags", set())
    if tags - {"log"} or (tags and not isinstance(sweep, IntervalSweep)):
        raise ConfigError(f"{text}: the only tag is log, and that of an interval, as in tag(log, interval(0.001, 0.1))")
    if isinstance(sweep, RangeSweep):
        return _range(sweep, text)
    if isinstance(sweep, IntervalSweep):
        return _interval(sweep, text)
    if isinstance(sweep, ChoiceSweep):
        if any(isinstance(value, Sweep) for value in sweep.list):
            raise ConfigError(f"{text}: a choice is among values, not among intervals or ranges")
        override = replace(override, _value=replace(sweep, shuffle=False))
    values = list(dict.fromkeys(override.sweep_string_iterator()))
    if not values:
        raise ConfigError(f"{text}: there is nothing to choose from")
    return Choice(values)


def _range(sweep: RangeSweep, text: str) -> Interval:
    start, stop, step = sweep.start or 0, sweep.stop, sweep.step
    if stop is None or not all(map(math.isfinite, (start, stop, step))) or step == 0 or (stop - start) / step <= 0:
        raise ConfigError(f"{text}: the range is empty")
    last = start + (math.ceil((stop - start) / step - 1e-9) - 1) * step
    return Interval(min(start, last), max(start, last), abs(step), log=False)


def _interval(sweep: IntervalSweep, text: str) -> Interval:
    assert sweep.start is not None
    assert sweep.end is not None
    log = "log" in sweep.tags
    finite = math.isfinite(sweep.start) and math.isfinite(sweep.end)
    if not finite or sweep.start >= sweep.end or (log and sweep.start <= 0):
        raise ConfigError(f"{text}: an interval goes from a smaller to a larger number{', above 0' if log else ''}")
    return Interval(sweep.start, sweep.end, None, log)
