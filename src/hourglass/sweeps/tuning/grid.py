"""The values that a key is tuned over, the same for all configurations, and which of them is best."""

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hourglass.core.errors import ConfigError
from hourglass.core.text import as_option

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the configured value, where a key is tuned and no values are given."""
Side = Literal["lower", "higher"]
Point = tuple[float, ...]
"""A value of each tuned key, in the order of the axes"""


@dataclass(frozen=True)
class Axis:
    key: str
    values: tuple[float, ...]
    """Rising"""
    ratio: float | None
    """Of each value to the one below it; None where they are not geometric, and nothing says how to go on"""
    whole: bool = False
    """Are they whole numbers, as of a key that takes no others?"""

    @classmethod
    def of(cls, key: str, values: Iterable[float], *, whole: bool = False) -> "Axis":
        """Raises ConfigError for fewer than two values."""
        rising = tuple(sorted(set(values)))
        if len(rising) < 2:
            raise ConfigError(f"{key} is tuned over one value: give two or more, as in tune.{key}=choice(0.005,0.01)")
        ratios = [above / below for below, above in itertools.pairwise(rising)] if rising[0] > 0 else []
        even = bool(ratios) and all(math.isclose(ratio, ratios[0], rel_tol=0.01) for ratio in ratios)
        return cls(key, rising, ratios[0] if even else None, whole)

    @classmethod
    def around(cls, key: str, value: float, *, whole: bool = False) -> "Axis":
        if not whole:
            return cls.of(key, (rounded(factor * value) for factor in FACTORS))
        near = cls.of(key, (max(1, round(factor * value)) for factor in FACTORS), whole=True)
        return replace(near, ratio=FACTORS[1] / FACTORS[0])  # which rounding may have bent

    def extended(self, side: Side) -> "Axis":
        """With one value more; itself where the values are not geometric, or no whole number follows."""
        if self.ratio is None:
            return self
        end = self.values[0] / self.ratio if side == "lower" else self.values[-1] * self.ratio
        more = round(end) if self.whole else rounded(end)
        return replace(self, values=tuple(sorted({*self.values, more})))

    def end(self, side: Side) -> float:
        return self.values[0 if side == "lower" else -1]

    def edge(self, value: float) -> Side | None:
        """The side of the values at whose end this one lies."""
        return "lower" if value <= self.values[0] else "higher" if value >= self.values[-1] else None


def rounded(value: float) -> float:
    """To six digits, so that a value has one spelling, and a run one id, however it was reached."""
    return float(f"{value:.6g}")


def points(axes: Sequence[Axis]) -> list[Point]:
    return list(itertools.product(*(axis.values for axis in axes)))


def as_overrides(keys: Sequence[str], point: Point) -> list[str]:
    return [f"{key}={as_option(value)}" for key, value in zip(keys, point, strict=True)]


def best(scores: Mapping[Point, Sequence[float]]) -> Point | None:
    """The point with the lowest mean over its runs, of several the one with the smallest values; a run that diverged is
    infinitely bad. None where no mean is finite."""
    means = {point: statistics.fmean(values) for point, values in sorted(scores.items()) if len(values)}
    finite = {point: mean for point, mean in means.items() if math.isfinite(mean)}
    return min(finite, key=lambda point: finite[point], default=None)
