"""The figures of tuning: the curve of each configuration, and the comparison at every value that was tried."""

from collections.abc import Mapping

import pandas as pd

from hourglass.report.analysis.measures import Measures
from hourglass.report.analysis.tuning import AGAIN, CURVE, Tuned
from hourglass.report.page.plots import Figure, Plot, Trace, band, line, plot


def tuning(tuned: Tuned | None, place: Mapping[str, int], measures: Measures) -> list[Figure]:
    """`place`: label -> the number by which figures know a configuration."""
    if tuned is None:
        return []
    curves = tuned.curves[tuned.curves["label"].isin(place)]
    title = measures.full_title(tuned.metric)
    variants = {key: _curves(curves, axis, key, title, place) for axis, key in enumerate(tuned.keys)}
    words = (
        "Each configuration is trained with every value on seeds that are not reported, and reported with the best: "
        "the large mark. Mean over these seeds; the band reaches from the lowest to the highest. What diverged "
        "has no mark."
    )
    if len(tuned.keys) > 1:
        words += " Over the values of one key each point is the best that the values of the others give."
    shown = sorted({place[label] for label in curves["label"]})
    figures = [Figure("tuning", "Tuning", words, "Over", variants, CURVE, tuned.curve_rows(), shown)]
    if len(tuned.again) and len(tuned.keys) == 1:
        figures.append(_again(tuned, place))
    return figures


def _curves(curves: pd.DataFrame, axis: int, key: str, title: str, place: Mapping[str, int]) -> Plot:
    traces: list[Trace] = []
    for label, rows in curves.groupby("label", sort=False):
        rows = rows.assign(x=[x[axis] for x in rows["x"]]).sort_values("mean", kind="stable").drop_duplicates("x")
        rows = rows.assign(min=rows["values"].map(min), max=rows["values"].map(max)).sort_values("x")
        traces += band(place[label], label, rows[["x", "mean", "min", "max"]], mode="lines+markers")
        best = rows[rows["note"].str.startswith("chosen")]
        mark = line(place[label], label, best["x"], best["mean"], mode="markers", hover=f"chosen: {key} %{{x}}")
        mark["marker"] |= {"size": 13, "symbol": "diamond"}
        traces.append(mark)
    return _over(traces, key, title)


def _over(traces: list[Trace], key: str, title: str) -> Plot:
    """Drawn over the values of a key, which are spread by their ratios where all are above 0."""
    drawn = plot(traces, key, [title])
    positive = all(x > 0 for trace in traces for x in trace["x"] if x is not None)
    drawn["layout"]["xaxis"]["type"] = "log" if positive else "linear"
    return drawn


def _again(tuned: Tuned, place: Mapping[str, int]) -> Figure:
    traces: list[Trace] = []
    for (label, _), rows in tuned.again[tuned.again["label"].isin(place)].groupby(["label", "reference"], sort=False):
        x = rows["value"].astype(float)
        drawn = line(place[label], label, x, rows["difference"], mode="lines+markers")
        half = rows["difference ±"].fillna(0).tolist()
        drawn["error_y"] = {"type": "data", "array": half, "thickness": 1.2, "width": 4}
        traces.append(drawn)
    key = tuned.keys[0]
    drawn = _over(traces, key, "difference from the reference")
    words = (
        f"The comparison again at every {key} that was tried, on the tuning seeds: configuration minus reference, with "
        "its 95 % interval. Where a line crosses 0, the verdict depends on the value."
    )
    shown = sorted({place[label] for label in tuned.again["label"] if label in place})
    title = f"Would another {key} turn it?"
    return Figure("tuning-again", title, words, "", {"": drawn}, AGAIN, tuned.again_rows(), shown)
