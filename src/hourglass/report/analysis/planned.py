"""What a sweep can show at all, told before its first run."""

from collections.abc import Sequence
from itertools import count

from hourglass.core.text import counted
from hourglass.report.analysis.stats import ALPHA, LEAST_PAIRS, smallest_p
from hourglass.sweeps.declaration import parts_of


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
    return f"with {few} nothing can be claimed of {of_all} with {reference}: it takes {enough} seeds or more"
