"""The figures of the page: losses, spectra, quality against cost, robustness; each with its numbers as a table."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from hourglass.report import tables
from hourglass.report.marks import number
from hourglass.report.plots import COLOURS, GREY, Figure, Plot, band, line, plot
from hourglass.report.runs import Configuration, Run

POINTS = 4000
"""Of all curves of one loss together; each is thinned to its share, but not below 40."""
COSTS = {
    "cost/macs_per_image": "multiply-adds an image",
    "cost/num_params": "parameters",
    "cost/code_numbers": "numbers in the code",
    "cost/index_bits": "bits of positions beside the code",
    "cost/train_seconds": "seconds of training",
    "cost/images_per_second": "images a second in training",
    "cost/peak_memory_bytes": "bytes of memory at the peak",
}
EVALUATED = ("test/psnr", "test/mse", "test/ssim")


def curves(found: Sequence[Configuration]) -> Figure | None:
    """Losses over steps and over seconds: mean over the seeds, and their range as a band."""
    histories = [[run.history() for run in configuration.runs] for configuration in found]
    losses = [loss for loss in ("val/loss", "train/loss") if any(loss in table for runs in histories for table in runs)]
    axes = ["step"] + ["seconds"] * any("seconds" in table for runs in histories for table in runs)
    if not losses:
        return None
    points = max(40, min(200, POINTS // len(found)))
    variants: dict[str, Plot] = {}
    for axis in axes:
        traces = []
        for i, (configuration, runs) in enumerate(zip(found, histories, strict=True)):
            for panel, loss in enumerate(losses, 1):
                table = _over_seeds(runs, loss, axis, points)
                if not table.empty:
                    mode = "lines+markers" if len(table) < 12 else "lines"
                    traces += band(i, configuration.label, table, panel=panel, mode=mode)
        title = "optimizer steps" if axis == "step" else "seconds of training (mean of the seeds)"
        positive = all(min(value for value in trace["y"] if value is not None) > 0 for trace in traces)
        variants["over steps" if axis == "step" else "over seconds"] = plot(
            traces,
            title,
            ["validation loss" if loss == "val/loss" else "training loss" for loss in losses],
            log=positive,
        )
    rows = []
    for configuration, runs in zip(found, histories, strict=True):
        last = pd.concat([table.reindex(columns=[*losses, "seconds"]).ffill().tail(1) for table in runs]).mean()
        rows.append([configuration.label, *(number(last[name]) for name in (*losses, "seconds"))])
    words = (
        "Mean over the seeds; the band reaches from the lowest seed to the highest. Steps that not every seed has "
        "reached are left out."
    )
    columns = ["Configuration", *(f"last {loss}" for loss in losses), "seconds"]
    return Figure("curves", "Losses while training", words, "Draw", variants, columns, rows, list(range(len(found))))


def _over_seeds(runs: Sequence[pd.DataFrame], loss: str, axis: str, points: int) -> pd.DataFrame:
    """Columns x, mean, min, max at the steps that every seed has logged, thinned."""
    logged = [
        table.dropna(subset=[loss]).set_index("step") for table in runs if loss in table and axis in ("step", *table)
    ]
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


def spectra(found: Sequence[Configuration]) -> Figure | None:
    """Radial power spectra of target, input, output and error, with the harmonics k/s of the total strides s."""
    means = {}
    for i, configuration in enumerate(found):
        measured = [table for run in configuration.runs if len(table := run.spectra())]
        if measured:
            means[i] = pd.concat(measured).groupby("frequency", as_index=False).mean().query("frequency > 0")
    if not means:
        return None
    strides = sorted({s for configuration in found for run in configuration.runs for s in _strides(run)})
    harmonics = {k / s: f"{k // math.gcd(k, s)}/{s // math.gcd(k, s)}" for s in strides for k in range(1, s // 2 + 1)}
    traces = []
    for i, table in means.items():
        roles = {"target": (1, "dot"), "output": (1, None), "error": (2, None)}
        if not np.allclose(table["input"], table["target"]):
            roles["input"] = (1, "dashdot")
        for role, (panel, dash) in roles.items():
            hover = f"{role} %{{y:.3g}} at %{{x:.3f}}"
            traces.append(line(i, found[i].label, table["frequency"], table[role], panel=panel, dash=dash, hover=hover))
    drawn = plot(traces, "cycles a pixel", ["power of the output", "power of the error"], log=True)
    lowest = min(float(table[["target", "output"]].min(axis=None)) for table in means.values())
    floor = min(float(table["target"].min()) for table in means.values()) / 100  # a dead decoder would fill the panel
    most = max(float(table[["target", "output"]].max(axis=None)) for table in means.values())
    drawn["layout"]["yaxis"]["range"] = [math.log10(0.7 * max(lowest, floor)), math.log10(1.5 * most)]
    drawn["layout"]["shapes"] = [
        {
            "type": "line",
            "x0": f,
            "x1": f,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"dash": "dot", "width": 1, "color": GREY},
        }
        for f in harmonics
    ]
    drawn["layout"]["annotations"] = [
        {"x": f, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "text": name}
        for f, name in harmonics.items()
    ]
    words = (
        "Radially averaged power, mean over test images and seeds. Above: the output, and dotted the target "
        "(dash-dotted the input, where it is corrupted). Below: the error. Vertical lines are the harmonics k/s of the "
        f"strides s = {', '.join(map(str, strides))}: power of the output there that the target does not have is a "
        "checkerboard."
    )
    rows = [[found[i].label, *(f"{_excess(table, f):+.1f}" for f in harmonics)] for i, table in means.items()]
    columns = ["Configuration", *(f"output over target at {name}, dB" for name in harmonics.values())]
    return Figure("spectra", "Spectra", words, "", {"": drawn}, columns, rows, list(means))


def _strides(run: Run) -> list[int]:
    """Those that the run's checkerboard metrics are of."""
    return [int(name.rsplit("_", 1)[1]) for name in run.metrics if name.startswith("test/phase_bias_")]


def _excess(table: pd.DataFrame, frequency: float) -> float:
    """dB of the output's power over the target's at the frequency measured nearest to this one."""
    row = table.iloc[int((table["frequency"] - frequency).abs().argmin())]
    return 10 * math.log10(row["output"] / row["target"])


def cost(found: Sequence[Configuration], board: pd.DataFrame, metric: str) -> Figure | None:
    """Quality against each cost that differs between the configurations, with the Pareto front."""
    place = {configuration.label: i for i, configuration in enumerate(found)}
    differing = [name for name in COSTS if name in board and board[name].round(9).nunique() > 1]
    if not differing:
        return None
    variants: dict[str, Plot] = {}
    fronts: dict[str, list[str]] = {}
    for name in differing:
        traces = []
        for row in board.to_dict("records"):
            point = line(
                place[row["label"]], row["label"], [row[name]], [row[metric]], mode="markers",
                hover=f"{metric} {number(row[metric])}<br>{COSTS[name]} {number(row[name])}",
            )  # fmt: skip
            point["marker"] |= {"size": 11, "symbol": place[row["label"]] // len(COLOURS) % 10}
            point["error_y"] = {"type": "data", "array": [row[f"{metric} ±"]], "thickness": 1.4, "width": 4}
            if not math.isfinite(row[f"{metric} ±"]):
                del point["error_y"]
            traces.append(point)
        front = board[tables.pareto(board, name, metric)].sort_values([name, metric])
        fronts[name] = list(front["label"])
        steps = line(0, "Pareto front", front[name], front[metric], dash="dot") | {"meta": None, "hoverinfo": "skip"}
        steps["line"] = {"color": GREY, "width": 1.2, "dash": "dot", "shape": "hv"}
        del steps["hovertemplate"]
        drawn = plot([steps, *traces], COSTS[name], [metric])
        drawn["layout"]["yaxis"]["range"] = _range(board, metric)
        if board[name].min() > 0 and board[name].max() > 20 * board[name].min():
            drawn["layout"]["xaxis"]["type"] = "log"
        variants[COSTS[name]] = drawn
    rows = [
        [row["label"], number(row[metric]), *(_on_front(row, name, fronts) for name in differing)]
        for row in board.to_dict("records")
    ]
    words = (
        "One point a configuration, with its 95 % interval over the seeds (cut where it is very wide). The dotted line "
        "is the Pareto front: nothing on it is beaten in both quality and cost by anything else that ran. A * marks it "
        "in the table."
    )
    columns = ["Configuration", metric, *(COSTS[name] for name in differing)]
    return Figure("cost", "Quality against cost", words, "Cost", variants, columns, rows, list(range(len(found))))


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


def robustness(found: Sequence[Configuration]) -> Figure | None:
    """Quality over the level of a corruption, from the evaluations beside the runs."""
    table = pd.DataFrame(_evaluated(found), columns=["config", "metric", "kind", "data", "x", "value"]).dropna()
    if table.empty:
        return None
    clean, kinds = table[table["kind"] == "none"], [kind for kind in table["kind"].unique() if kind != "none"]
    if kinds:  # the clean images are level 0 of every kind
        table = pd.concat([table[table["kind"] != "none"], *(clean.assign(kind=kind, x=0.0) for kind in kinds)])
    variants: dict[str, Plot] = {}
    rows = []
    for (metric, kind, data), part in table.groupby(["metric", "kind", "data"], sort=False):
        name = kind if table["data"].nunique() == 1 else f"{kind} on {data}"
        traces = []
        for i, own in part.groupby("config"):
            summary = own.groupby("x", as_index=False)["value"].agg(["mean", "min", "max"])
            traces += band(i, found[i].label, summary, mode="lines+markers")
            rows += [
                [found[i].label, metric, name, number(x), number(mean)] for x, mean in summary[["x", "mean"]].to_numpy()
            ]
        variants[f"{name}: {metric}"] = plot(traces, f"level of {kind}", [metric], shared=True)
    words = (
        "The trained runs evaluated again under other corruption. Mean over the seeds; the band reaches from the "
        "lowest seed to the highest."
    )
    columns = ["Configuration", "metric", "corruption", "level", "mean"]
    shown = sorted(int(i) for i in table["config"].unique())
    return Figure("robustness", "Robustness", words, "Corruption", variants, columns, rows, shown)


def _evaluated(found: Sequence[Configuration]) -> Iterator[tuple[int, str, str, str, float | None, float | None]]:
    for i, configuration in enumerate(found):
        for run in configuration.runs:
            for evaluation in run.evaluations():
                corruption = evaluation["corruption"]
                for metric in EVALUATED:
                    value = evaluation["metrics"].get(metric)
                    yield i, metric, corruption["kind"], evaluation["data"], corruption["level"], value
