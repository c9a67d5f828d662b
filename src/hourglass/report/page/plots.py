"""Parts of figures, as Plotly specifications in plain dictionaries: the page draws them, in its own colours of text."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import escape

COLOURS = (
    "#3b7dd8", "#d9541e", "#1f9468", "#a95fc4", "#a9762b", "#16939f", "#d8528c", "#7f8794", "#828a1c", "#cf3f4a",
)  # fmt: skip
"""One per configuration; each has a contrast of 3 with white and with near black."""
DASHES = {"solid": "solid", "dash": "dashed", "longdash": "double", "longdashdot": "dotted"}
"""Of lines -> of the edge of their colour in a legend: configurations beyond the tenth have a colour again, but another
dash. Targets are dotted and inputs dash-dotted."""
GREY = "#808080"
NUMBER = "%{y:.4g}"

Trace = dict[str, Any]
"""Of Plotly; its `meta` is the number of its configuration, None for what belongs to none."""
Plot = dict[str, Any]
"""{"data": traces, "layout": …}"""


@dataclass(frozen=True)
class Figure:
    id: str
    title: str
    words: str
    """What is drawn and how to read it."""
    choice: str
    """What the variants differ in."""
    variants: dict[str, Plot]
    columns: list[str]
    """Of the same numbers as a table."""
    rows: list[list[str]]
    configurations: list[int]
    """The numbers of those that have something to show."""


def colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def dash(number: int) -> str:
    return list(DASHES)[number // len(COLOURS) % len(DASHES)]


def line(
    number: int, label: str, x: Iterable[float], y: Iterable[float], *, panel: int = 1, mode: str = "lines",
    dashes: str | None = None, hover: str = NUMBER,
) -> Trace:  # fmt: skip
    return {
        "type": "scatter", "mode": mode, "name": str(escape(label)),  # Plotly reads a subset of HTML
        "meta": number, "x": rounded(x), "y": rounded(y), "yaxis": _axis("y", panel), "hovertemplate": hover,
        "line": {"color": colour(number), "width": 1.8, "dash": dashes or dash(number)},
        "marker": {"color": colour(number), "size": 7},
    }  # fmt: skip


def band(number: int, label: str, table: pd.DataFrame, *, panel: int = 1, mode: str = "lines") -> list[Trace]:
    """The column `mean` over `x` as a line, `min` to `max` as an area; only the line answers the pointer."""
    mean = line(number, label, table["x"], table["mean"], panel=panel, mode=mode)
    if np.allclose(table["min"], table["max"], rtol=1e-9, atol=0):
        return [mean]
    there_and_back = np.concatenate([table["x"], table["x"][::-1]])
    edge = np.concatenate([table["max"], table["min"][::-1]])
    red, green, blue = (int(colour(number)[i : i + 2], 16) for i in (1, 3, 5))
    area = line(number, label, there_and_back, edge, panel=panel) | {
        "fill": "toself", "fillcolor": f"rgba({red},{green},{blue},0.16)", "line": {"width": 0}, "hoverinfo": "skip",
    }  # fmt: skip
    del area["hovertemplate"]
    return [area, mean]


def plot(
    traces: list[Trace], x_title: str, y_titles: Sequence[str], *, log: bool = False, shared: bool = False
) -> Plot:
    """Panels one above the other over one horizontal axis; `shared`: one box tells all values at the pointer's x."""
    gap, n = 0.07, len(y_titles)
    height = (1 - gap * (n - 1)) / n
    layout: Plot = {
        "xaxis": {"title": {"text": str(escape(x_title))}, "anchor": _axis("y", n)},
        "height": 170 + 210 * n,
        "showlegend": False,
        "hovermode": "x unified" if shared else "closest",
        "margin": {"l": 60, "r": 16, "t": 28, "b": 56},
    }
    for panel, title in enumerate(y_titles, 1):
        top = 1 - (panel - 1) * (height + gap)
        domain = [max(0.0, round(top - height, 4)), round(top, 4)]
        ticks = {"type": "log", "dtick": _log_ticks(traces, _axis("y", panel))} if log else {"type": "linear"}
        layout[_axis("yaxis", panel)] = {
            "title": {"text": str(escape(title))},
            "domain": domain,
            "tickformat": "~g",
        } | ticks
    return {"data": traces, "layout": layout}


def _axis(name: str, panel: int) -> str:
    """Plotly counts from the second one on: `y`, `y2`, …"""
    return name if panel == 1 else f"{name}{panel}"


def _log_ticks(traces: Sequence[Trace], axis: str) -> str | int:
    """Plotly's distance of ticks: at each digit, at 1, 2 and 5, or at powers of ten; by itself it crowds them."""
    values = [value for trace in traces if trace["yaxis"] == axis for value in trace["y"] if value]
    ratio = max(values) / min(values) if values else 1
    return "D1" if ratio < 6 else "D2" if ratio < 500 else 1


def rounded(values: Iterable[float]) -> list[float | None]:
    """Four significant digits: more are not seen, and would double the page. What is not finite is a gap."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in map(float, values)]
