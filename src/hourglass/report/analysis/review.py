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
from hourglass.report.analysis.comparison import names_a_task, paired, reference_values
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
    """As in `comparison.paired`"""
    metric: str
    board: pd.DataFrame
    comparison: pd.DataFrame
    answers: list[Answer]

    @property
    def command(self) -> str:
        """What makes the same report again."""
        reference = [f"reference={self.reference}"] if self.reference else []
        return f"{command('report')} {shlex.join([str(self.sweep.folder), *reference, f'metric={self.metric}'])}"

    @cached_property
    def measures(self) -> Measures:
        return Measures.of(self.sweep)

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


def review(sweep: Sweep, reference: str | None = None, metric: str = "test/mse") -> Review:
    """Raises ConfigError for a reference or a metric that is not there, or that says nothing."""
    across = bool(sweep.runs) and names_a_task(reference_values(sweep, reference))
    board, comparison = tables.leaderboard(sweep, metric, across=across), paired(sweep, reference, metric)
    return Review(sweep, reference, metric, board, comparison, answers(sweep, board, comparison, metric, across=across))
