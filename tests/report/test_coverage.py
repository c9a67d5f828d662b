"""How often a verdict is wrong, in simulated sweeps whose truth is known: never more often than it says."""

import math

import numpy as np
import pytest

from hourglass.report.analysis.comparison import contrast, judge
from hourglass.sweeps.declaration import Margin

SEEDS = 10
MARGIN = Margin(0.05, "")
DIFFERENT, EQUAL = ("better", "worse"), ("equivalent",)


def share_of_sweeps(
    verdict: tuple[str, ...], effect: float, comparisons: int, sweeps: int, margin: Margin | None,
    shared: float = 0.04, skewed: bool = False,
) -> float:  # fmt: skip
    """In what share of simulated sweeps some comparison has this verdict.

    Each configuration is `effect` times the reference plus noise of 3 %; `shared` is the spread of what all
    configurations of a seed have in common.
    """
    random = np.random.default_rng([comparisons, sweeps, int(1000 * effect), int(1000 * shared), skewed])
    hits = 0
    for _ in range(sweeps):
        noise = random.normal(size=(comparisons + 1, SEEDS))
        if skewed:
            noise = (np.exp(noise / 2) - math.exp(1 / 8)) / 0.6  # mean 0, spread 1
        of_seed = 1 + shared * random.normal(size=SEEDS)
        reference, *others = of_seed + 0.03 * noise
        whole = {"reference": "r", "diverged": 0, "reference diverged": 0}
        rows = [whole | contrast(effect * one, reference, margin) for one in others]
        judge(rows, "lower")
        hits += any(row["verdict"].startswith(verdict) for row in rows)
    return hits / sweeps


def at_most(promised: float, sweeps: int) -> float:
    """Four standard deviations above: a right verdict is beyond once in 30,000 times."""
    return promised + 4 * math.sqrt(promised * (1 - promised) / sweeps)


@pytest.mark.parametrize("comparisons", [1, 5])
def test_equal_configurations_are_rarely_called_better_or_worse(comparisons: int) -> None:
    """In any comparison of a sweep; a margin only makes it rarer, since small differences are equivalent then."""
    assert share_of_sweeps(DIFFERENT, 1.0, comparisons, 400, None) <= at_most(0.05, 400)


@pytest.mark.parametrize("effect", [0.95, 1.05])
@pytest.mark.parametrize("comparisons", [1, 5])
def test_configurations_at_the_margin_are_rarely_called_equivalent(effect: float, comparisons: int) -> None:
    assert share_of_sweeps(EQUAL, effect, comparisons, 400, MARGIN) <= at_most(0.05, 400)


def test_what_is_true_is_found() -> None:
    assert share_of_sweeps(EQUAL, 1.0, 1, 200, MARGIN) > 0.8
    assert share_of_sweeps(("better",), 0.9, 1, 200, MARGIN) > 0.95
    assert share_of_sweeps(("worse",), 1.1, 1, 200, MARGIN) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("shared", [0.0, 0.1])
@pytest.mark.parametrize("skewed", [False, True])
def test_the_precise_shares(shared: float, skewed: bool) -> None:
    """Near what is promised for one comparison, and below it for several, whether pairing helps or not."""
    n = 2000
    deviation = at_most(0.05, n) - 0.05
    wrong = {m: share_of_sweeps(DIFFERENT, 1.0, m, n, None, shared, skewed) for m in (1, 5)}
    assert wrong[1] == pytest.approx(0.05, abs=deviation)
    assert wrong[5] <= 0.05 + deviation
    loose = {
        (m, effect): share_of_sweeps(EQUAL, effect, m, n, MARGIN, shared, skewed)
        for m in (1, 5) for effect in (0.95, 1.05)
    }  # fmt: skip
    assert max(loose.values()) <= 0.05 + deviation
    assert loose[1, 1.05] == pytest.approx(0.05, abs=deviation)
