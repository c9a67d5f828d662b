"""Statistics over seeds, for a few paired runs: t interval, equivalence, Holm's correction, power.

Few seeds are the rule, so nothing here leans on large numbers: over 3 to 10 seeds a percentile bootstrap covers 75 to
90 % where it promises 95, and the t interval 95 where the differences are normal, 87 to 88 where they are lognormal.
"""

from bisect import bisect_left

import numpy as np
from scipy import special  # scipy.stats, which says the same, takes a second to import

from hourglass.report.analysis.sign_flip import ALPHA, LEAST_PAIRS, Values, smallest_p

POWER = 0.8
MOST_SEEDS = 1000
"""Up to which is looked for how many it takes."""


def t_interval(values: Values, level: float = 0.95) -> float:
    """Half the width of the Student t interval of the mean, NaN for fewer than two values."""
    n = len(values)
    if n < 2:
        return float("nan")
    quantile = special.stdtrit(n - 1, (1 + level) / 2)
    return float(quantile * np.std(values, ddof=1) / np.sqrt(n))


def holm(p: Values, more: int = 0) -> np.ndarray:
    """p adjusted for as many comparisons as there are (Holm 1979), and `more` that are not listed, whose p is 1; NaN
    counts as none and stays NaN."""
    p = np.asarray(p, float)
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN is sorted last
    factors = np.arange(len(order), 0, -1) + more
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1)
    return adjusted


def equivalence_p(differences: Values, margins: Values | float) -> float:
    """p of "the mean difference is not inside the margin": the larger of two one-sided t tests (Schuirmann 1987).

    `margins`: one for all pairs; or one a pair, the same share of each value of the reference, so that the mean of the
    reference, of which the margin is a share, need not be known (Hauschke 1999). NaN for fewer than two differences, or
    where one is NaN.
    """
    d = np.asarray(differences, float)
    return float(np.max([_p_above_zero(d + margins), _p_above_zero(margins - d)]))  # NaN stays NaN


def _p_above_zero(values: np.ndarray) -> float:
    """One-sided p of the t test that their mean lies above 0."""
    if len(values) < 2:
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):  # all alike: certain, or 0 / 0
        t = np.mean(values) / (np.std(values, ddof=1) / np.sqrt(len(values)))
    return float(special.stdtr(len(values) - 1, -t))


def seeds_needed(differences: Values, margin: float, comparisons: int = 1) -> tuple[float, float]:
    """How many seeds it takes, from the spread of these differences: to show one as large as the margin, and to show
    equivalence where there is none.

    Each with 80 % power at the level that Holm's correction asks of the smallest p of that many `comparisons`. For
    equivalence a lower bound of the power is used, 2 P(one of the two tests rejects) - 1, exact where it matters. NaN
    without a spread or a margin, infinity beyond `MOST_SEEDS`.
    """
    spread = np.std(differences, ddof=1) if len(differences) > 1 else np.nan
    if not (spread > 0 and margin > 0):
        return float("nan"), float("nan")
    alpha = ALPHA / comparisons

    def power(n: int, tail: float, tests: int) -> float:
        shift = min(margin / spread * np.sqrt(n), 25)  # the power is 1, and far beyond the series fails
        return float(1 - tests * special.nctdtr(n - 1, shift, special.stdtrit(n - 1, 1 - tail)))

    enough = (
        lambda n: smallest_p(n) < alpha and power(n, alpha / 2, 1) >= POWER,
        lambda n: power(n, alpha, 2) >= POWER,
    )
    seeds = range(LEAST_PAIRS, MOST_SEEDS + 1)
    first, second = (seeds[i] if (i := bisect_left(seeds, True, key=key)) < len(seeds) else np.inf for key in enough)
    return float(first), float(second)


def correlation(a: Values, b: Values) -> float:
    """Pearson's r of pairs: what share of their spread pairing takes out. NaN for fewer than three, or no spread."""
    if len(a) < 3 or not (np.std(a) > 0 and np.std(b) > 0):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
