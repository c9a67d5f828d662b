"""The sign-flip test of paired differences, and what it can show at all of so many seeds.

A sweep asks before its first run, so nothing here needs the extra `report`.

`scipy.stats.permutation_test` gives the same p for up to 20 pairs, but takes 9 s and 1.3 GB for 20 instead of 15 ms;
beyond that its two-sided p is another one.
"""

from collections.abc import Sequence
from itertools import count

import numpy as np

from hourglass.core.text import counted
from hourglass.sweeps.declaration import parts_of

ALPHA = 0.05
"""The chance of a wrong claim that is taken, over all comparisons together."""
EXACT_UP_TO = 20
"""Pairs up to which all 2^n sign patterns are looked at."""
SAMPLED = 100_000
"""Random sign patterns beyond that, always the same ones."""
LEAST_PAIRS = 6
"""With fewer the sign-flip test cannot give p < 0.05."""
Values = Sequence[float] | np.ndarray


def sign_flip_p(differences: Values) -> float:
    """Two-sided p of "the differences are symmetric about 0": the share of sign patterns with as large a |sum|.

    Exact for up to `EXACT_UP_TO` differences, beyond from `SAMPLED` random patterns and the observed one.
    NaN without differences, or where one is NaN.
    """
    d = np.asarray(differences, float)
    if len(d) == 0 or np.isnan(d).any():
        return float("nan")
    if len(d) <= EXACT_UP_TO:
        sums = d[:1]  # the first sign is kept: a pattern and its opposite have the same |sum|
        for value in d[1:]:
            sums = np.concatenate([sums + value, sums - value])
    else:
        signs = np.random.default_rng(0).integers(0, 2, (SAMPLED, len(d)), np.int8) * 2 - 1
        sums = np.append(signs @ d, d.sum())
    least = abs(d.sum()) - 1e-12 * np.abs(d).sum()  # the order of addition must not decide
    return float((np.abs(sums) >= least).mean())


def smallest_p(n: int) -> float:
    """The smallest p that `sign_flip_p` can give for n differences: all of one sign."""
    return max(2.0 ** (1 - n), 0.0 if n <= EXACT_UP_TO else 1 / (SAMPLED + 1)) if n else float("nan")


def too_few_seeds(configurations: Sequence[Sequence[str]], seeds: int, reference: str | None) -> str:
    """A sentence where so many seeds cannot show any difference from the reference that a sweep declares.

    Then not even the smallest p would survive Holm's correction. Empty where they can, and where it declares none.

    `configurations`: the jobs without their seeds, each by its overrides.
    """
    named = {f"{key}={value}" for key, value in parts_of(reference or "")}
    every = {frozenset(override.replace(" ", "") for override in one) for one in configurations}
    comparisons = len([one for one in every if not named <= one])
    if not named or comparisons == len(every) or comparisons == 0:
        return ""
    enough = next(n for n in count(LEAST_PAIRS) if smallest_p(n) * comparisons < ALPHA)
    if seeds >= enough:
        return ""
    of_all = "the comparison" if comparisons == 1 else f"any of the {comparisons} comparisons"
    few = counted(seeds, "seed")
    return f"with {few} no difference can be shown in {of_all} with {reference}: it takes {enough} seeds or more"
