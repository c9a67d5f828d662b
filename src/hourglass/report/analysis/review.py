"""A sweep and what its report says of it: computed once, and handed to all that show it."""

import math
import shlex
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from hourglass.core.text import command
from hourglass.report.analysis import tables
from hourglass.report.analysis.answer import Answer, answers, overall
from hourglass.report.analysis.budgets import Budgets, budgets
from hourglass.report.analysis.comparison import is_swept, names_a_task, paired, pairing, reference_values
from hourglass.report.analysis.measures import Measures, numbers
from hourglass.report.analysis.tuning import Tuned, tuned
from hourglass.report.reading import evaluations
from hourglass.report.reading.configurations import Configuration
from hourglass.report.reading.run import Run
from hourglass.report.reading.runs import Sweep
from hourglass.sweeps.declaration import standing


@dataclass(frozen=True)
class Review:
    sweep: Sweep
    reference: str | None
    equivalent_within: str | None
    """Both as in `comparison.paired`"""
    metric: str
    primary: str | None
    """The metric that was declared to decide, before the first run"""
    board: pd.DataFrame
    comparison: pd.DataFrame
    answers: list[Answer]

    @property
    def command(self) -> str:
        """What makes the same report again."""
        more = {"reference": self.reference, "metric": self.metric, "equivalent_within": self.equivalent_within}
        options = [f"{key}={value}" for key, value in more.items() if value]
        return f"{command('report')} {shlex.join([str(self.sweep.folder), *options])}"

    @cached_property
    def measures(self) -> Measures:
        return Measures.of(self.sweep)

    @property
    def role(self) -> str:
        """primary, secondary; empty where no metric was declared to decide"""
        return "" if self.primary is None else "primary" if self.metric == self.primary else "secondary"

    @cached_property
    def remarks(self) -> list[str]:
        """What is to be known of the comparison, a sentence each: is its metric the one that decides, which reference
        and margin were declared, did pairing help."""
        declared, remarks = self.sweep.declaration, []
        if self.primary == self.metric:
            remarks.append(f"{self.metric} is the primary metric, which was declared to decide.")
        elif self.primary:
            remarks.append(f"{self.metric} is a secondary metric: {self.primary} was declared to decide.")
        if declared.get("reference", self.reference) != self.reference:
            remarks.append(f"Not compared with the reference that was declared, {declared['reference']}.")
        if self.equivalent_within:
            known = self.metric == self.primary and self.equivalent_within == declared.get("equivalent_within")
            when = "as declared" if known else "which was not declared, but chosen for this report"
            remarks.append(f"Differences within {self.equivalent_within} count as none, {when}.")
        return [*remarks, *filter(None, [pairing(self.comparison)])]

    @property
    def standing(self) -> str:
        """Were hypotheses fixed before, or is it exploratory?"""
        return standing(self.sweep.info.get("invocations", []))

    @property
    def headline(self) -> str:
        return overall(self.answers, self.sweep)

    @cached_property
    def ranked(self) -> list[Configuration]:
        """As on the leaderboard; their places are the numbers by which figures and pictures know them."""
        rank = {label: i for i, label in enumerate(self.board["label"])}
        return sorted(self.sweep.configurations, key=lambda configuration: rank[configuration.label])

    @cached_property
    def evaluated(self) -> pd.DataFrame:
        return evaluations.table(self.sweep)

    @cached_property
    def tuned(self) -> Tuned | None:
        return tuned(self.sweep, self.reference, self.metric)

    @cached_property
    def budgets(self) -> Budgets | None:
        return budgets(self.sweep, self.comparison, self.metric)

    @property
    def beside(self) -> list[str]:
        """What the answer depends on: sentences on tuning and budgets."""
        return [text for one in (self.tuned, self.budgets) if one for text in one.sentences]

    @cached_property
    def pictured(self) -> dict[str, Run]:
        """Label -> the run whose pictures are shown: the median of its seeds by the metric, of two the better one.

        Where seeds have test images of their own, the other configurations of a task are shown with the seed of its
        best one, as far as they have it.
        """
        chosen: dict[str, Run] = {}
        seed_of: dict[str, int] = {}  # task -> seed
        for configuration in self.ranked:
            by_seed = {run.seed: run for run in configuration.runs}
            median = sorted(configuration.runs, key=self._rank)[(len(by_seed) - 1) // 2]
            seed = seed_of.setdefault(configuration.task, median.seed)
            own_images = len({run.data.get("fingerprint") for run in configuration.runs}) > 1
            chosen[configuration.label] = by_seed.get(seed, median) if own_images else median
        return chosen

    def _rank(self, run: Run) -> float:
        """Low is good; what is not finite comes last."""
        sign = 1 if self.measures.direction(self.metric) == "lower" else -1
        value = numbers(run).get(self.metric, math.nan) * sign
        return value if math.isfinite(value) else math.inf


def review(
    sweep: Sweep, reference: str | None = None, metric: str | None = None, equivalent_within: str | None = None
) -> Review:
    """What is not given is as the sweep declares it: the margin only for the metric that it was declared for, the
    reference where it was swept.

    Raises ConfigError for a reference or a metric that is not there, or that says nothing, and for a margin that is
    none.
    """
    declared = sweep.declaration
    primary = declared.get("primary")
    if reference is None and is_swept(sweep, declared.get("reference")):
        reference = declared["reference"]
    metric = metric or primary or "test/mse"
    if metric == primary:
        equivalent_within = equivalent_within or declared.get("equivalent_within")
    across = bool(sweep.runs) and names_a_task(reference_values(sweep, reference))
    board = tables.leaderboard(sweep, metric, across=across)
    comparison = paired(sweep, reference, metric, equivalent_within)
    answered = answers(sweep, board, comparison, metric, across=across)
    return Review(sweep, reference, equivalent_within, metric, primary, board, comparison, answered)
