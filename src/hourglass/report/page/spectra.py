"""The figure of radial power spectra, with the frequencies at which a stride leaves its mark."""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from hourglass.report.page.plots import GREY, Figure, line, plot
from hourglass.report.reading.configurations import Configuration
from hourglass.report.reading.run import Columns, Run

MARKED = 12
"""Harmonics at most: the second stride is left out where it makes more."""
ROLES = ("input", "target", "output", "error")
VULGAR = {Fraction(*map(int, text.split("/"))): sign for sign, text in {
    "½": "1/2", "⅓": "1/3", "¼": "1/4", "⅕": "1/5", "⅖": "2/5", "⅙": "1/6", "⅛": "1/8", "⅜": "3/8",
}.items()}  # fmt: skip


def harmonics(strides: Iterable[int]) -> dict[str, float]:
    """Name -> cycles per pixel of the harmonics of the two smallest strides, by rising frequency.

    A pattern of period s in rows and columns has power at (a/s, b/s) alone, so in a radial spectrum at √(a² + b²)/s for
    0 ≤ a, b ≤ s/2: "½" along an axis, "½,½" on the diagonal, which is the checkerboard itself.
    """
    pairs: dict[tuple[Fraction, Fraction], float] = {}
    for s in sorted(set(strides))[:2]:
        steps = [Fraction(a, s) for a in range(s // 2 + 1)]
        more = {(a, b): math.hypot(a, b) for a in steps for b in steps if 0 < a >= b}
        if not pairs or len(pairs | more) <= MARKED:
            pairs |= more
    names = {",".join(VULGAR.get(f, str(f)) for f in pair if f): frequency for pair, frequency in pairs.items()}
    return dict(sorted(names.items(), key=lambda item: item[1]))


def strides(runs: Iterable[Run]) -> list[int]:
    """The total strides of the networks: those that their checkerboard metrics are of."""
    names = {name for run in runs for name in run.metrics if name.startswith("test/phase_bias_")}
    return sorted(int(name.rsplit("_", 1)[1]) for name in names)


def spectra(ranked: Sequence[Configuration]) -> Figure | None:
    """Radial power spectra of target, input, output and error, with the harmonics of the strides."""
    means = {}
    for i, configuration in enumerate(ranked):
        measured = [table for run in configuration.runs if len((table := run.spectrum())["frequency"])]
        if measured:
            means[i] = _mean(measured)
    if not means:
        return None
    marked = harmonics(strides(run for configuration in ranked for run in configuration.runs))
    traces = []
    for i, table in means.items():
        roles = {"target": (1, "dot"), "output": (1, None), "error": (2, None)}
        if not np.allclose(table["input"], table["target"]):
            roles["input"] = (1, "dashdot")
        for role, (panel, dashes) in roles.items():
            hover, x, y = f"{role} %{{y:.3g}} at %{{x:.3f}}", table["frequency"], table[role]
            traces.append(line(i, ranked[i].label, x, y, panel=panel, dashes=dashes, hover=hover))
    drawn = plot(traces, "cycles per pixel", ["power of the output", "power of the error"], log=True)
    drawn["layout"]["yaxis"] |= _range(list(means.values()))
    line_of = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "line": {"dash": "dot", "width": 1, "color": GREY}}
    text_of = {"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    drawn["layout"]["shapes"] = [{"x0": f, "x1": f, **line_of} for f in marked.values()]
    drawn["layout"]["annotations"] = [{"x": f, "text": name, **text_of} for name, f in marked.items()]
    words = (
        "Radially averaged power, mean over test images and seeds. Above: the output, and dotted the target "
        "(dash-dotted the input, where it is corrupted). Below: the error. A pattern with the period of a stride has "
        "its power at the vertical lines, along an axis (½) or on a diagonal (½,½): what the output has there and the "
        "target does not is a checkerboard."
    )
    rows = [[ranked[i].label, *(_excess(table, f) for f in marked.values())] for i, table in means.items()]
    header = ["Configuration", *(f"output over target at {name}, dB" for name in marked)]
    return Figure("spectra", "Spectra", words, "", {"": drawn}, header, rows, list(means))


def _mean(tables: Sequence[Columns]) -> Columns:
    """Of each column at every frequency above 0, over the tables that have it; by rising frequency."""
    frequency, place = np.unique(np.concatenate([table["frequency"] for table in tables]), return_inverse=True)
    at_all = {name: np.concatenate([table[name] for table in tables]) for name in ROLES}
    sums = {name: np.bincount(place, values) for name, values in at_all.items()}
    columns = {"frequency": frequency} | {name: values / np.bincount(place) for name, values in sums.items()}
    return {name: values[frequency > 0] for name, values in columns.items()}


def _range(means: Sequence[Columns]) -> dict[str, list[float]]:
    """Of the upper panel, down to 1/100 of the target: the power of a dead decoder would fill it with emptiness."""
    target, output = (np.concatenate([table[role] for table in means]) for role in ("target", "output"))
    positive = [power[power > 0] for power in (target, output)]
    if not any(map(len, positive)):
        return {}
    lowest = min(positive[0], default=0) / 100
    low, high = max(np.concatenate(positive).min(), lowest), np.concatenate(positive).max()
    return {"range": [math.log10(0.7 * low), math.log10(1.5 * high)]}


def _excess(table: Columns, frequency: float) -> str:
    """dB of the output's power over the target's at the nearest measured frequency; – where one has none."""
    nearest = np.abs(table["frequency"] - frequency).argmin()
    output, target = table["output"][nearest], table["target"][nearest]
    return f"{10 * math.log10(output / target):+.1f}" if output > 0 < target else "–"
