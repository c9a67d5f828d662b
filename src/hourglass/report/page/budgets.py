"""The figure of differences over the budget."""

import numpy as np

from hourglass.report.analysis.budgets import COLUMNS, Budgets
from hourglass.report.page.plots import Figure, Trace, band, plot


def budgets(over: Budgets | None) -> Figure | None:
    if over is None:
        return None
    relative = bool(np.isfinite(over.table["relative"].astype(float)).all())
    traces: list[Trace] = []
    for number, ((method, against), rows) in enumerate(over.table.groupby(["method", "against"], sort=False)):
        scale = 100 / rows["reference mean"] if relative else 1.0
        mean, half = rows["difference"] * scale, (rows["difference ±"] * scale).fillna(0)
        table = rows.assign(x=rows["steps"], mean=mean, min=mean - half, max=mean + half).reset_index(drop=True)
        drawn = band(number, f"{method} against {against}", table, mode="lines+markers")
        traces += [trace | {"meta": None, "showlegend": trace is drawn[-1]} for trace in drawn]
    shown = plot(traces, "optimizer steps", ["difference from the reference" + (", %" if relative else "")])
    shown["layout"] |= {"showlegend": True, "legend": {"orientation": "h", "y": -0.25}}
    shown["layout"]["xaxis"]["type"] = "log"
    words = (
        "Each budget is a run of its own, with its own schedule; the difference is taken within one budget, on the "
        "same seeds: configuration minus reference, with its 95 % interval as a band. Where a line crosses 0, the "
        "verdict depends on how long was trained."
    )
    return Figure("budgets", "Difference over the budget", words, "", {"": shown}, COLUMNS, over.rows(), [])
