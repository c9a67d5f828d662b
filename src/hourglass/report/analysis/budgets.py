"""Differences over the budget: how much the comparison depends on how long was trained."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hourglass.core.text import number, percent, plus_minus
from hourglass.report.analysis.comparison import by
from hourglass.report.analysis.measures import Measures
from hourglass.report.reading.configurations import BUDGET
from hourglass.report.reading.runs import Sweep

COLUMNS = ["Configuration", "against", "steps", "pairs", "difference", "relative", "verdict"]


@dataclass(frozen=True)
class Budgets:
    table: pd.DataFrame
    """The rows of `comparison.paired`, with `method` and `against`, the labels without the budget, and `steps`"""
    sentences: list[str]

    def rows(self) -> list[list[str]]:
        """In the columns `COLUMNS`."""
        return [
            [row["method"], row["against"], number(row["steps"]), str(row["pairs"]),
             plus_minus(row["difference"], row["difference ±"]), percent(row["relative"], signed=True), row["verdict"]]
            for row in self.table.to_dict("records")
        ]  # fmt: skip


def budgets(sweep: Sweep, comparison: pd.DataFrame, metric: str) -> Budgets | None:
    """None unless several budgets were compared. `comparison` is that of `comparison.paired`."""
    steps = {c.label: float(c.values[BUDGET]) for c in sweep.configurations if BUDGET in c.values}
    table = comparison[comparison["label"].isin(steps) & comparison["reference"].isin(steps)]
    table = table[table["label"].map(steps) == table["reference"].map(steps)]
    table = table[np.isfinite(table["difference"].astype(float))]
    if table["label"].map(steps).nunique() < 2:
        return None
    short = {c.label: ", ".join(f"{k}={v}" for k, v in c.values.items() if k != BUDGET) for c in sweep.configurations}
    table = table.assign(
        method=table["label"].map(short), against=table["reference"].map(short), steps=table["label"].map(steps)
    )
    table = table.sort_values(["method", "against", "steps"], kind="stable", ignore_index=True)
    return Budgets(table, _sentences(table, metric, Measures.of(sweep).direction(metric) == "lower"))


def _sentences(table: pd.DataFrame, metric: str, lower: bool) -> list[str]:
    """`From 250 to 5,000 steps decoder=resize goes from 14.0 % better than decoder=transpose to 3.0 % worse.`"""
    sentences = []
    for (method, against), rows in table.groupby(["method", "against"], sort=False):
        if len(rows) > 1:
            first, last = rows.iloc[0], rows.iloc[-1]
            between = rows[np.sign(rows["difference"]) != np.sign(first["difference"])]
            turns = len(between) > 0
            if turns and np.sign(first["difference"]) == np.sign(last["difference"]):  # it comes back
                way = f", by way of {_side(between.iloc[0], lower)} at {number(between.iloc[0]['steps'])},"
            else:
                way = ""
            sentences.append(
                f"From {number(first['steps'])} to {number(last['steps'])} steps {method} goes from "
                f"{_side(first, lower)} than {against}{way} to {_side(last, lower)} ({metric}, each budget a run of "
                f"its own): the sign {'turns' if turns else 'does not turn'} with the budget."
            )
    return sentences


def _side(row: pd.Series, lower: bool) -> str:
    """`14.0 % better`"""
    return f"{by(row)} {'better' if (row['difference'] < 0) == lower else 'worse'}"
