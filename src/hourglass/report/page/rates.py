"""The figure of rate against distortion."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hourglass.core.text import number
from hourglass.report.analysis.review import Review
from hourglass.report.page.figures import pareto_front, point
from hourglass.report.page.plots import GREY, Figure, Plot, Trace, line, plot
from hourglass.report.reading.configurations import Configuration
from hourglass.runs.baselines.names import RATE_CURVES

RATE, BITS, SAMPLED = "cost/bits_per_pixel", "cost/code_bits", "test/sampled_mse"
DISTORTIONS = ("test/mse", "test/psnr")
DASHES = {"pca": "dash", "jpeg": "dashdot"}
LEAST = 0.02
"""Bits per pixel from which on curves are drawn, where no configuration has less"""
WORDS = (
    "What an image costs, in bits per pixel, against what is lost of it. The dotted line is the Pareto front of the "
    "configurations, marked * in the table. Codes that are not quantised count 32 bits for each number, which nobody "
    "has tried to lower; a Gaussian code counts its KL, which is what a sample of it costs by bits back, and its error "
    "here is that of a sample, where the runs measured it, else of the mean. The grey curves code the same test images "
    "without a network: all principal components, uniformly quantised, with an ideal entropy coder fitted to the "
    "training images; and JPEG, without the bytes that are the same in every file. Parameters are counted for none."
)


def rates(review: Review) -> Figure | None:
    """Where the configurations of a task differ in their rate; or where there is one alone, beside the curves."""
    board, metrics = review.board, [name for name in DISTORTIONS if name in review.board]
    if RATE not in board or not metrics:
        return None
    board = at_a_sample(board[np.isfinite(board[[RATE, *metrics]]).all(axis=1)])
    title, place = review.measures.title, {configuration.label: i for i, configuration in enumerate(review.ranked)}
    variants: dict[str, Plot] = {}
    rows: list[list[str]] = []
    shown: list[int] = []
    for task, of_task in board.groupby("task", sort=False):
        labels, records = list(of_task["label"]), of_task.to_dict("records")
        curves = curves_of([configuration for configuration in review.ranked if configuration.label in labels])
        if of_task[RATE].round(9).nunique() < 2 and not (curves and len(review.board) == 1):
            continue
        of, marked = f"; {task}" if task else "", []
        for metric in metrics:
            front, lines = pareto_front(of_task, RATE, metric, review.measures)
            points = [_point(place[row["label"]], row, metric, review) for row in records]
            traces = [*_drawn(curves, metric, of_task[RATE].min()), *lines, *points]
            variants[f"{title(metric)}{of}"] = _plot(traces, metric, review)
            marked.append(front)
        shown += [place[label] for label in labels]
        columns = list(zip(metrics, marked, strict=True))
        rows += [
            [row["label"], *(number(row.get(name)) for name in (BITS, RATE)),
             *(number(row[metric]) + " *" * (row["label"] in front) for metric, front in columns)]
            for row in records
        ]  # fmt: skip
        rows += [
            [f"{RATE_CURVES[name]}{of}", "", number(rate), *(number(_in(metric, mse)) for metric in metrics)]
            for name, curve in curves.items()
            for rate, mse in curve
        ]
    if not variants:
        return None
    header = ["Configuration", *map(title, (BITS, RATE, *metrics))]
    return Figure("rates", "Rate against distortion", WORDS, "Distortion", variants, header, rows, shown)


def at_a_sample(board: pd.DataFrame) -> pd.DataFrame:
    """With the distortions of a sample of the code in place of those of its mean, where they are known."""
    if SAMPLED not in board:
        return board
    mse, half, known = board[SAMPLED], board[f"{SAMPLED} ±"], board[SAMPLED] > 0
    there = {
        "test/mse": mse, "test/mse ±": half, "test/psnr": -10 * np.log10(mse.where(known)),
        "test/psnr ±": 10 / math.log(10) * half / mse,
    }  # fmt: skip
    return board.assign(**{name: values.where(known, board[name]) for name, values in there.items() if name in board})


def curves_of(configurations: Sequence[Configuration]) -> dict[str, np.ndarray]:
    """Name -> (P, 2), bits per pixel and MSE: the mean over the runs, whose test images may be their own; none where
    they are runs of several tasks."""
    runs = [run for configuration in configurations for run in configuration.runs]
    curves: dict[str, np.ndarray] = {}
    for name in RATE_CURVES if len({configuration.task for configuration in configurations}) == 1 else ():
        there = [run.rate_curves[name] for run in runs if name in run.rate_curves]
        alike = [curve for curve in there if len(curve) == len(there[0])]
        if alike:
            curves[name] = np.mean(alike, axis=0)
    return curves


def _drawn(curves: Mapping[str, np.ndarray], metric: str, least: float) -> list[Trace]:
    traces = []
    for name, curve in curves.items():
        seen = curve[curve[:, 0] >= min(LEAST, least or LEAST)]
        hover = f"{RATE_CURVES[name]}<br>%{{y:.4g}} at %{{x:.3g}} bits per pixel<extra></extra>"
        traces.append(line(0, RATE_CURVES[name], seen[:, 0], [_in(metric, mse) for mse in seen[:, 1]], hover=hover))
        traces[-1] |= {"meta": None, "showlegend": True, "line": {"color": GREY, "width": 1.6, "dash": DASHES[name]}}
    return traces


def _in(metric: str, mse: float) -> float:
    """An MSE as what `metric` is."""
    if metric == "test/mse":
        return mse
    return -10 * math.log10(mse) if mse > 0 else math.nan


def _point(place: int, row: dict[str, Any], metric: str, review: Review) -> Trace:
    drawn = point(place, row, RATE, metric, review.measures) | {"showlegend": False}
    if (half := row[f"{RATE} ±"]) > 0:
        drawn["error_x"] = {"type": "data", "array": [half], "thickness": 1.4, "width": 4}
    return drawn


def _plot(traces: list[Trace], metric: str, review: Review) -> Plot:
    title = review.measures.full_title
    positive = {axis: all(v > 0 for trace in traces for v in trace[axis] if v is not None) for axis in "xy"}
    drawn = plot(traces, title(RATE), [title(metric)], log=metric == "test/mse" and positive["y"])
    drawn["layout"] |= {"height": 440, "showlegend": True, "legend": {"orientation": "h", "y": -0.2}}
    drawn["layout"]["xaxis"] |= {"tickformat": "~g"} | ({"type": "log", "dtick": "D2"} if positive["x"] else {})
    return drawn
