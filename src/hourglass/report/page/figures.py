"""The figures of losses and of quality against cost; `spectra` and `robustness` have modules of their own."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hourglass.report.analysis import tables
from hourglass.report.analysis.measures import COSTS, full_title, title
from hourglass.report.analysis.review import Review
from hourglass.report.page.marks import number
from hourglass.report.page.plots import COLOURS, GREY, Figure, Plot, Trace, band, line, plot
from hourglass.report.reading.configurations import Configuration

POINTS = 4000
"""Of all curves of one loss together; each is thinned to its share, but not below 40."""


def curves(found: Sequence[Configuration]) -> Figure | None:
    """Losses over steps and over seconds: mean over the seeds, and their range as a band."""
    histories = [[run.history() for run in configuration.runs] for configuration in found]
    logged = {name for runs in histories for table in runs for name in table}
    losses = [loss for loss in ("val/loss", "train/loss") if loss in logged]
    points = max(40, min(200, POINTS // len(found)))
    variants: dict[str, Plot] = {}
    drawn: set[int] = set()
    titles = {"step": "optimizer steps", "seconds": "seconds of training (mean of the seeds)"}
    for axis in ("step", "seconds"):
        traces: list[Trace] = []
        for i, (configuration, runs) in enumerate(zip(found, histories, strict=True)):
            for panel, loss in enumerate(losses, 1):
                table = _over_seeds(runs, loss, axis, points)
                if not table.empty:
                    mode = "lines+markers" if len(table) < 12 else "lines"
                    traces += band(i, configuration.label, table, panel=panel, mode=mode)
                    drawn.add(i)
        if traces:
            positive = all(value > 0 for trace in traces for value in trace["y"] if value is not None)
            panels = ["validation loss" if loss == "val/loss" else "training loss" for loss in losses]
            variants[f"over {axis}{'s' if axis == 'step' else ''}"] = plot(traces, titles[axis], panels, log=positive)
    if not variants:
        return None
    rows = []
    for i in sorted(drawn):
        last = pd.concat([table.reindex(columns=[*losses, "seconds"]).ffill().tail(1) for table in histories[i]]).mean()
        rows.append([found[i].label, *(number(last[name]) for name in (*losses, "seconds"))])
    words = (
        "Mean over the seeds; the band reaches from the lowest seed to the highest. Steps that not every seed has "
        "reached are left out, and values that are not finite."
    )
    columns = ["Configuration", *(f"last {loss}" for loss in losses), "seconds"]
    return Figure("curves", "Losses while training", words, "Draw", variants, columns, rows, sorted(drawn))


def _over_seeds(runs: Sequence[pd.DataFrame], loss: str, axis: str, points: int) -> pd.DataFrame:
    """Columns x, mean, min, max at the steps at which every seed has logged a finite number, thinned."""
    finite = [table.replace([np.inf, -np.inf], np.nan) for table in runs if loss in table]
    logged = [table.dropna(subset=[loss]).set_index("step") for table in finite]
    if not logged:
        return pd.DataFrame()
    values = pd.concat([table[loss] for table in logged], axis=1).dropna()
    x = (
        values.index
        if axis == "step"
        else pd.concat([table[axis] for table in logged], axis=1).loc[values.index].mean(axis=1)
    )
    of_seeds = {name: values.agg(name, axis=1) for name in ("mean", "min", "max")}
    table = pd.DataFrame(of_seeds).assign(x=x).dropna()
    return table.iloc[np.unique(np.linspace(0, len(table) - 1, points).round().astype(int))] if len(table) else table


def cost(review: Review) -> Figure | None:
    """Quality against each cost that differs between the configurations, with the Pareto front."""
    metric = review.metric
    names = [f"cost/{name}" for name in COSTS]
    board = review.board[np.isfinite(review.board[metric])]
    differing = [name for name in names if name in board and board[name].round(9).nunique() > 1]
    if not differing:
        return None
    place = {configuration.label: i for i, configuration in enumerate(review.ranked)}
    variants: dict[str, Plot] = {}
    fronts: dict[str, list[str]] = {}
    for name, (task, of_task) in itertools.product(differing, board.groupby("task", sort=False)):
        traces = []
        for row in of_task.to_dict("records"):
            point = line(
                place[row["label"]], row["label"], [row[name]], [row[metric]], mode="markers",
                hover=f"{full_title(metric)} {number(row[metric])}<br>{title(name)} {number(row[name])}",
            )  # fmt: skip
            point["marker"] |= {"size": 11, "symbol": place[row["label"]] // len(COLOURS) % 10}
            if math.isfinite(row[f"{metric} ±"]):
                point["error_y"] = {"type": "data", "array": [row[f"{metric} ±"]], "thickness": 1.4, "width": 4}
            traces.append(point)
        front = of_task[tables.pareto(of_task, name, metric)].sort_values([name, metric])
        fronts.setdefault(name, []).extend(front["label"])
        steps = line(0, "Pareto front", front[name], front[metric], dashes="dot") | {"meta": None, "hoverinfo": "skip"}
        steps["line"] = {"color": GREY, "width": 1.2, "dash": "dot", "shape": "hv"}
        del steps["hovertemplate"]
        drawn = plot([steps, *traces], title(name), [full_title(metric)])
        drawn["layout"]["yaxis"]["range"] = _range(of_task, metric)
        if of_task[name].min() > 0 and of_task[name].max() > 20 * of_task[name].min():
            drawn["layout"]["xaxis"]["type"] = "log"
        variants[f"{title(name)}; {task}" if task else title(name)] = drawn
    rows = [
        [row["label"], number(row[metric]), *(_on_front(row, name, fronts) for name in differing)]
        for row in board.to_dict("records")
    ]
    words = (
        "One point a configuration, with its 95 % interval over the seeds (cut where it is very wide). The dotted line "
        "is the Pareto front: nothing on it is beaten in both quality and cost by anything else that ran on the same "
        "task. A * marks it in the table."
    )
    columns = ["Configuration", full_title(metric), *map(title, differing)]
    return Figure(
        "cost",
        "Quality against cost",
        words,
        "Cost",
        variants,
        columns,
        rows,
        [place[label] for label in board["label"]],
    )


def _range(board: pd.DataFrame, metric: str) -> list[float]:
    """All seeds and their intervals, but of intervals no more than the spread of the seeds on either side."""
    values = board[f"{metric} values"].explode().astype(float)
    low, high = values.min(), values.max()
    spread = (high - low) or abs(high) * 0.1 or 1.0
    half = board[f"{metric} ±"].fillna(0)
    ends = max((board[metric] - half).min(), low - spread), min((board[metric] + half).max(), high + spread)
    return [ends[0] - 0.06 * spread, ends[1] + 0.06 * spread]


def _on_front(row: dict, name: str, fronts: dict[str, list[str]]) -> str:
    return number(row[name]) + (" *" if row["label"] in fronts[name] else "")
