"""The figures of losses and of quality against cost; `spectra` and `robustness` have modules of their own."""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import escape

from hourglass.core.measures import COSTS
from hourglass.core.text import number
from hourglass.report.analysis import tables
from hourglass.report.analysis.measures import RATES, Measures
from hourglass.report.analysis.review import Review
from hourglass.report.page.plots import COLOURS, GREY, Figure, Plot, Trace, band, line, plot
from hourglass.report.reading.configurations import Configuration
from hourglass.report.reading.run import Columns

LOSSES = {"val/loss": "validation loss", "train/loss": "training loss"}
POINTS = 4000
"""Of all curves of one loss together; each is thinned to its share, but not below 40."""


def curves(ranked: Sequence[Configuration]) -> Figure | None:
    """Losses over steps and over seconds: mean over the seeds, and their range as a band."""
    histories = [[run.logged() for run in configuration.runs] for configuration in ranked]
    logged = {name for runs in histories for table in runs for name in table}
    losses = [loss for loss in LOSSES if loss in logged]
    points = max(40, min(200, POINTS // len(ranked)))
    variants: dict[str, Plot] = {}
    drawn: set[int] = set()
    for axis, unit in {"step": "optimizer steps", "seconds": "seconds of training (mean of the seeds)"}.items():
        traces: list[Trace] = []
        for i, (panel, loss) in itertools.product(range(len(ranked)), enumerate(losses, 1)):
            table = _over_seeds(histories[i], loss, axis, points)
            if table:
                mode = "lines+markers" if len(table["x"]) < 12 else "lines"
                traces += band(i, ranked[i].label, table, panel=panel, mode=mode)
                drawn.add(i)
        if traces:
            positive = all(value > 0 for trace in traces for value in trace["y"] if value is not None)
            name = "over steps" if axis == "step" else "over seconds"
            variants[name] = plot(traces, unit, [LOSSES[loss] for loss in losses], log=positive)
    if not variants:
        return None
    columns = [*losses, "seconds"]
    rows = []
    for i in sorted(drawn):
        last = _mean(np.array([[_last(table, name) for name in columns] for table in histories[i]]))
        rows.append([ranked[i].label, *map(number, last)])
    words = (
        "Mean over the seeds; the band reaches from the lowest seed to the highest. Steps that not every seed has "
        "reached are left out, and values that are not finite."
    )
    header = ["Configuration", *(f"last {loss}" for loss in losses), "seconds"]
    return Figure("curves", "Losses while training", words, "Draw", variants, header, rows, sorted(drawn))


def _last(table: Columns, name: str) -> float:
    """The last value that was logged; NaN where there is none."""
    values = table.get(name, np.array([]))
    return float([math.nan, *values[~np.isnan(values)]][-1])


def _over_seeds(runs: Sequence[Columns], loss: str, axis: str, points: int) -> Columns:
    """Columns x, mean, min, max at the steps at which every seed has logged a finite number, thinned."""
    logged = [table for table in runs if loss in table]
    finite = (table["step"][np.isfinite(table[loss])] for table in logged)
    steps = functools.reduce(np.intersect1d, finite) if logged else np.array([])
    if not len(steps):
        return {}
    by_step = [np.argsort(table["step"]) for table in logged]
    rows = [order[np.isin(table["step"][order], steps)] for order, table in zip(by_step, logged, strict=True)]
    x = _mean(np.stack([table[axis][at] for table, at in zip(logged, rows, strict=True)]))
    values = np.stack([table[loss][at] for table, at in zip(logged, rows, strict=True)])  # (seeds, steps)
    timed = np.flatnonzero(~np.isnan(x))
    kept = timed[np.unique(np.linspace(0, len(timed) - 1, points).round().astype(int))] if len(timed) else timed
    of_seeds = {"x": x, "mean": values.mean(0), "min": values.min(0), "max": values.max(0)}
    return {name: column[kept] for name, column in of_seeds.items()} if len(timed) else {}


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the seeds, the rows, that have a value; NaN where none has."""
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.nansum(values, 0) / (~np.isnan(values)).sum(0)
    return mean


def cost(review: Review) -> Figure | None:
    """Quality against each cost that differs between the configurations, with the Pareto front."""
    metric, title, full_title = review.metric, review.measures.title, review.measures.full_title
    board = review.board[np.isfinite(review.board[metric])]
    costs = [name for name in (f"cost/{cost}" for cost in COSTS if cost not in RATES) if name in board]
    costs = [name for name in costs if board[name].round(9).nunique() > 1]
    if not costs:
        return None
    columns = ("task", "label", metric, f"{metric} ±", f"{metric} values", *costs, tables.POSITIONS)
    board = board[[name for name in dict.fromkeys(columns) if name in board]]  # the hundred others take time below
    place = {configuration.label: i for i, configuration in enumerate(review.ranked)}
    variants: dict[str, Plot] = {}
    fronts: dict[str, list[str]] = {}
    for name, (task, of_task) in itertools.product(costs, board.groupby("task", sort=False)):
        labels, lines = pareto_front(of_task, name, metric, review.measures)
        fronts.setdefault(name, []).extend(labels)
        points = [point(place[row["label"]], row, name, metric, review.measures) for row in of_task.to_dict("records")]
        drawn = plot([*lines, *points], title(name), [full_title(metric)])
        drawn["layout"]["yaxis"]["range"] = _range(of_task, metric)
        if of_task[name].min() > 0 and of_task[name].max() > 20 * of_task[name].min():
            drawn["layout"]["xaxis"]["type"] = "log"
        variants[f"{title(name)}; {task}" if task else title(name)] = drawn
    rows = [
        [row["label"], number(row[metric]), *(number(row[c]) + " *" * (row["label"] in fronts[c]) for c in costs)]
        for row in board.to_dict("records")
    ]
    words = (
        "One point per configuration, with its 95 % interval over the seeds (cut where it is very wide). The dotted "
        "line is the Pareto front: nothing on it is beaten in both quality and cost by anything else that ran on the "
        "same task. A * marks it in the table."
    )
    if tables.POSITIONS in board and board[tables.POSITIONS].nunique() > 1:
        words += (
            " Bits of positions, which max unpooling is given beside the code, are counted as a cost too: nothing is "
            "beaten by what is given more of them, and there is a line for each amount, the dashed ones with positions."
        )
    header = ["Configuration", full_title(metric), *map(title, costs)]
    shown = [place[label] for label in board["label"]]
    return Figure("cost", "Quality against cost", words, "Cost", variants, header, rows, shown)


def pareto_front(board: pd.DataFrame, cost: str, metric: str, measures: Measures) -> tuple[list[str], list[Trace]]:
    """The labels on the front, and the lines through them: one for each amount of bits of positions, among what has no
    more of them."""
    front, counted = board[tables.pareto(board, cost, metric, measures)], tables.counts_positions(board, cost)
    bits = board[tables.POSITIONS].fillna(0) if counted else board[cost] * 0
    lines = []
    for level in sorted(set(bits[front.index])):
        among = board[bits <= level].drop(columns=[tables.POSITIONS] if counted else [])
        through = among[tables.pareto(among, cost, metric, measures)].sort_values([cost, metric])
        steps = line(0, "Pareto front", through[cost], through[metric]) | {"meta": None, "hoverinfo": "skip"}
        steps["line"] = {"color": GREY, "width": 1.2, "dash": "dash" if level else "dot", "shape": "hv"}
        del steps["hovertemplate"]
        lines.append(steps)
    return list(front.sort_values([cost, metric])["label"]), lines


def point(place: int, row: dict[str, Any], cost: str, metric: str, measures: Measures) -> Trace:
    """A configuration, with its 95 % interval."""
    hover = f"{escape(measures.full_title(metric))} {number(row[metric])}<br>{measures.title(cost)} {number(row[cost])}"
    drawn = line(place, row["label"], [row[cost]], [row[metric]], mode="markers", hover=hover)
    drawn["marker"] |= {"size": 11, "symbol": place // len(COLOURS) % 10}
    if math.isfinite(half := row[f"{metric} ±"]):
        drawn["error_y"] = {"type": "data", "array": [half], "thickness": 1.4, "width": 4}
    return drawn


def _range(board: pd.DataFrame, metric: str) -> list[float]:
    """All seeds and their intervals, but of intervals no more than the spread of the seeds on either side."""
    values = board[f"{metric} values"].explode().astype(float)
    low, high = values.min(), values.max()
    spread = (high - low) or abs(high) * 0.1 or 1.0
    half = board[f"{metric} ±"].fillna(0)
    ends = max((board[metric] - half).min(), low - spread), min((board[metric] + half).max(), high + spread)
    return [ends[0] - 0.06 * spread, ends[1] + 0.06 * spread]
