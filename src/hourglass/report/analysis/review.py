"""A sweep and what its report says of it: computed once, and handed to all that show it."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from hourglass.core.text import command
from hourglass.report.analysis import tables
from hourglass.report.analysis.answer import Answer, answers, overall
from hourglass.report.analysis.budgets import Budgets, budgets
from hourglass.report.analysis.comparison import is_swept, names_a_task, paired, pairing, reference_values
from hourglass.report.analysis.folders import Folders, folders
from hourglass.report.analysis.measures import Measures, numbers
from hourglass.report.analysis.tuning import Tuned, tuned
from hourglass.report.reading import evaluations
from hourglass.report.reading.configurations import Configuration
from hourglass.report.reading.run import Run
from hourglass.report.reading.runs import Sweep


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
        return f"{command('report')} {shlex.join([*map(str, self.sweep.folders), *options])}"

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
        return self.sweep.standing

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
    def folders(self) -> Folders | None:
        return folders(self.sweep)

    @cached_property
    def pictured(self) -> dict[str, Run]:
        """Label -> the run whose pictures are shown: one seed for all configurations of a task.

        That is the median seed of the best one by the metric, of two the better, among the seeds that all of them
        have; where they have none in common, each is shown with that seed if it has it, else with its own median.
        """
        chosen: dict[str, Run] = {}
        for task in dict.fromkeys(configuration.task for configuration in self.ranked):
            best, *others = [configuration for configuration in self.ranked if configuration.task == task]
            common = {run.seed for run in best.runs}.intersection(*({run.seed for run in c.runs} for c in others))
            of_best = self._median([run for run in best.runs if run.seed in common] or best.runs)
            for configuration in (best, *others):
                alike = [run for run in configuration.runs if run.seed == of_best.seed]
                chosen[configuration.label] = self._median(alike or configuration.runs)
        return chosen

    @property
    def pictures_differ(self) -> str:
        """Says where the pictures are not all of one seed and of the same images; empty where they are."""
        tasks: dict[str, list[Run]] = {}
        for configuration in self.ranked:
            tasks.setdefault(configuration.task, []).append(self.pictured[configuration.label])
        seeds = any(len({run.seed for run in runs}) > 1 for runs in tasks.values())
        images = any(len({run.data.get("fingerprint") for run in runs}) > 1 for runs in tasks.values())
        what = " and ".join(["seed"] * seeds + ["test images"] * images)
        return f"No {what} that all configurations have: each picture is named by its own." if what else ""

    def _median(self, runs: Sequence[Run]) -> Run:
        return sorted(runs, key=self._rank)[(len(runs) - 1) // 2]

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
    across = bool(sweep.runs) and names_a_task(sweep, reference_values(sweep, reference))
    board = tables.leaderboard(sweep, metric, across=across)
    comparison = paired(sweep, reference, metric, equivalent_within)
    answered = answers(sweep, board, comparison, metric, across=across)
    return Review(sweep, reference, equivalent_within, metric, primary, board, comparison, answered)
