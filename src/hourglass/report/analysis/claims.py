"""What the answer says of the best configuration, by the verdict on it and on what it is compared with."""

from typing import NamedTuple

from hourglass.report.analysis.verdicts import EQUIVALENT, NO_PAIR, NOT_ENOUGH, NOT_FINITE, NOT_SHOWN, WITHHELD


class Claim(NamedTuple):
    headline: str
    """Begins with the label of the best"""
    sentence: str
    supported: str
    mood: str = "warn"


CLAIMS = {
    "better": Claim("is better than {others}", "{difference} ({p}): the claim is supported.", "Yes", "good"),
    "worse": Claim(
        "has the {end} mean, but is worse than {others} on the same seeds", "{difference} ({p}).", "Refuted", "bad"
    ),
    EQUIVALENT: Claim(
        "has the {end} mean, and is equivalent to {others}",
        "{difference}, and differences within {margin} count as none (two one-sided tests: {tost}){real}.",
        "Equivalent", "",
    ),
    NOT_SHOWN: Claim(
        "has the {end} mean, but no difference from {others} is shown",
        "{difference} ({p}): that much can come from the seeds alone.{needed}", "Not shown",
    ),
    NOT_ENOUGH: Claim(
        "is ahead, but there are not enough seeds to claim it", "{difference}: {too_few}.{needed}", "Not enough seeds"
    ),
    WITHHELD: Claim(
        "has the {end} mean of the seeds that did not diverge, from which nothing is claimed about {others}",
        "{difference} ({p}), over the pairs in which neither diverged: a run that did is worse than any other, so they "
        "flatter.", "Withheld",
    ),
    NOT_FINITE: Claim(
        "has the {end} mean, but cannot be compared with {others}",
        "On some of the same seeds there is no finite {metric} to compare.", "Cannot be told",
    ),
    NO_PAIR: Claim(
        "has the {end} mean, and no run to compare it with", "No two runs have the same settings and seeds.", "No pair"
    ),
}  # fmt: skip
"""What is said of the best, by how the verdict begins on it and on what it is compared with."""
MIXED = Claim("has the {end} mean, {shown}", "{nearest}{apart}", "Against {count} of {n}")
"""The same where it is compared with several, and the verdicts differ."""
APART = {
    "Better than it on the same seeds": ("worse",),
    "Equivalent to it within the margin": (EQUIVALENT,),
    "Not distinguishable from it on these seeds": (NOT_ENOUGH, NOT_SHOWN),
    "Not claimed, since seeds diverged": (WITHHELD,),
    "Not compared, for lack of pairs or finite values": (NO_PAIR, NOT_FINITE),
}
