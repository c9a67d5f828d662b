"""What may be claimed of a comparison, in words."""

import numpy as np

from hourglass.report.analysis import sign_flip, stats
from hourglass.report.analysis.measures import Direction

NO_PAIR, NOT_FINITE, NOT_ENOUGH, NOT_SHOWN = "no pair", "not finite", "not enough seeds", "not shown"
EQUIVALENT, WITHHELD = "equivalent", "withheld"
"""How the verdicts begin that are not just `better` or `worse`; more seeds could change the third and the fourth."""


def verdict(
    pairs: int, difference: float, p_holm: float, p_equivalent: float, comparisons: int, direction: Direction | None
) -> str:
    """What may be claimed; both p are after Holm's correction, that of equivalence NaN where there is no margin.

    Nothing below 6 pairs, nor where not even the smallest p would survive the correction.
    """
    if pairs == 0:
        return f"{NO_PAIR}: the reference has no run with these settings and seeds"
    if np.isnan(difference):
        return f"{NOT_FINITE}: nothing to compare"
    if pairs < sign_flip.LEAST_PAIRS:
        return f"{NOT_ENOUGH} to claim"
    if p_equivalent < sign_flip.ALPHA:
        real = ": the difference is real but smaller than the margin" if p_holm < sign_flip.ALPHA else ""
        return f"{EQUIVALENT}{real}"
    if p_holm < sign_flip.ALPHA:
        return "better" if (difference < 0) == (direction == "lower") else "worse"
    if sign_flip.smallest_p(pairs) * comparisons >= sign_flip.ALPHA:
        return f"{NOT_ENOUGH} ({comparisons} comparisons)"
    return NOT_SHOWN


def withheld(word: str, mine: int, theirs: int) -> str:
    """The verdict, or why it cannot be given: so many seeds of the one and of the other diverged, and a run that
    diverged is worse than any that did not, so that without it the one and the other look better than they are."""
    flattering = ("better",) * bool(mine) + ("worse",) * bool(theirs) + (EQUIVALENT,) * bool(mine or theirs)
    if not word.startswith(flattering):
        return word
    of_whom = " and ".join([f"{mine} of its seeds"] * bool(mine) + [f"{theirs} of the reference's"] * bool(theirs))
    return f"{WITHHELD}: {of_whom} diverged"


def needed(differences: list[float], margin: float, comparisons: int) -> str:
    """How many seeds would decide, by the spread of these differences; empty without a margin or a spread."""
    different, equivalent = stats.seeds_needed(differences, margin, max(comparisons, 1))
    if np.isnan(different):
        return ""
    counts = [
        f"about {n:.0f}" if np.isfinite(n) else f"more than {stats.MOST_SEEDS:,}" for n in (different, equivalent)
    ]
    return f"{counts[0]} seeds would show a difference as large as the margin, {counts[1]} equivalence"
