"""The grid of a tuned key: its values, how it grows, and the best point, against known answers."""

import itertools
import math

import numpy as np
import pytest

from hourglass.core.errors import ConfigError
from hourglass.sweeps.tuning.grid import Axis, as_overrides, best, points


def test_without_values_the_grid_is_around_the_configured_one() -> None:
    axis = Axis.around("optimizer.lr", 0.005)
    assert axis.values == (0.00125, 0.0025, 0.005, 0.01, 0.02)
    assert axis.ratio == 2
    assert [*map(axis.edge, axis.values)] == ["lower", None, None, None, "higher"]
    assert axis.extended("lower").values == (0.000625, *axis.values)
    assert axis.extended("higher").extended("higher").values == (*axis.values, 0.04, 0.08)


def test_values_that_are_not_geometric_have_no_next_one() -> None:
    for values in ([0.001, 0.002, 0.003], [0, 0.01], [-1, 1]):
        axis = Axis.of("k", values)
        assert axis.ratio is None
        assert axis.extended("higher") == axis
    assert Axis.of("k", [0.3, 0.1, 0.1, 0.03]).values == (0.03, 0.1, 0.3)
    assert Axis.of("k", [1e-3, 1e-2, 1e-1]).extended("higher").values[-1] == 1.0  # and not 0.9999999
    with pytest.raises(ConfigError, match=r"k is tuned over one value: give two or more"):
        Axis.of("k", [0.1, 0.1])


@pytest.mark.parametrize(
    ("axis", "values", "lower", "higher"),
    [
        (Axis.around("k", 16, whole=True), (4, 8, 16, 32, 64), (2, 1, 0, 0), (128, 256)),
        (Axis.around("k", 3, whole=True), (1, 2, 3, 6, 12), (0, 0), (24, 48)),
        (Axis.around("k", 1, whole=True), (1, 2, 4), (0,), (8, 16)),
        (Axis.of("k", [8, 12], whole=True), (8, 12), (5, 3, 2, 1, 1), (18, 27)),
        (Axis.of("k", [2, 3, 5], whole=True), (2, 3, 5), (2,), (5,)),
        (Axis.of("k", [8, 12]), (8, 12), (5.33333,), (18.0, 27.0)),
    ],
)
def test_whole_numbers_stay_whole(
    axis: Axis, values: tuple[int, ...], lower: tuple[float, ...], higher: tuple[float, ...]
) -> None:
    """In the grid, beyond it on either side, and as they are typed; where none follows, the grid does not grow."""
    assert axis.values == values
    for side, ends in (("lower", lower), ("higher", higher)):
        longer = axis
        for end in ends:
            longer = longer.extended(side)  # type: ignore[arg-type]
            assert longer.end(side) == end  # type: ignore[arg-type]
            assert (
                all("." not in text for text in as_overrides(["k"] * len(longer.values), longer.values))
                or not axis.whole
            )


def test_the_best_point_has_the_lowest_mean() -> None:
    """Against numpy, over random scores; and what diverged once is never the best."""
    random = np.random.default_rng(0)
    grid = points([Axis.around("a", 1.0), Axis.of("b", [1, 2, 5])])
    assert grid == list(itertools.product((0.25, 0.5, 1.0, 2.0, 4.0), (1, 2, 5)))
    for _ in range(20):
        scores = random.random((len(grid), 3))
        lowest = grid[scores.mean(1).argmin()]
        assert best(dict(zip(grid, scores.tolist(), strict=True))) == lowest
        scores[grid.index(lowest), 1] = math.inf
        assert best(dict(zip(grid, scores.tolist(), strict=True))) == grid[scores.mean(1).argmin()] != lowest
    assert best({(1.0,): [math.inf], (2.0,): [math.inf, 0.1]}) is None
    assert best({}) is None
    assert as_overrides(["a", "b.c"], (0.00125, 3)) == ["a=0.00125", "b.c=3"]
