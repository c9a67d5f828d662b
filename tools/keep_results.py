"""`python tools/keep_results.py logs/sweeps/NAME [reference=…] [metric=…]`: a sweep's report, for docs/results/NAME.

Writes report.md, results.csv, evaluations.csv where `evaluate.py` was run, the first test images and what each
configuration made of them (pictures.png, or one file a task), seeds.png (a dot a seed: error, and the checkerboard
before and after training), and where configurations differ in latent and rate rates.png, what an image costs against
what is lost of it. Needs the extra `dev`.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from hourglass.core.errors import HourglassError
from hourglass.core.text import number
from hourglass.report.analysis.measures import numbers
from hourglass.report.analysis.review import Review
from hourglass.report.analysis.tables import pareto
from hourglass.report.make import make
from hourglass.report.page.rates import RATE, at_a_sample, curves_of
from hourglass.report.publish import side_by_side
from hourglass.report.request import parse
from hourglass.runs.baselines.names import RATE_CURVES

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SHOWN = ("init/phase_bias_2", "test/phase_bias_2", "test/phase_error_imbalance_2")
"""Beside the metric of the report; where a sweep has none of them, the ratio to PCA."""


def seeds(review: Review, path: Path) -> None:
    """One panel a metric, one row a configuration, the best on top, a colour for each value of what was varied first;
    the black tick is the mean of the real images."""
    rows = review.ranked[::-1]
    key = next((key for key in ("decoder", *review.sweep.varied) if key in review.sweep.varied), None)
    values = list(dict.fromkeys(configuration.values.get(key or "", "") for configuration in review.ranked))
    panels = [metric for metric in dict.fromkeys((review.metric, *SHOWN)) if says_something(review, metric)]
    if len(panels) < 2 and says_something(review, "ratio/pca"):
        panels = list(dict.fromkeys((*panels, "ratio/pca")))
    size = (3.2 * max(len(panels), 1) + 3, 0.32 * len(rows) + 1.2)
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=size, sharey=True, squeeze=False)
    for axis, metric in zip(axes[0], panels, strict=False):
        measured = [[numbers(run).get(metric, np.nan) for run in configuration.runs] for configuration in rows]
        scale(axis, [value for of_row in measured for value in of_row])
        left = axis.get_xlim()[0]
        for y, (configuration, of_row) in enumerate(zip(rows, measured, strict=True)):
            colour = f"C{values.index(configuration.values.get(key or '', '')) % 10}"
            drawn = [max(value, left) for value in of_row]  # a 0 has no place on a logarithmic axis: at its edge
            axis.plot(drawn, [y] * len(drawn), "o", color=colour, alpha=0.6, markersize=4, clip_on=False)
            real = [run.metrics.get(f"real/{metric[5:]}", np.nan) for run in configuration.runs]
            axis.plot(np.mean(real), y, "|", color="black", markersize=14)
        axis.set_title(review.measures.full_title(metric).replace(": ", ":\n"), fontsize="medium")
        axis.set(yticks=range(len(rows)), yticklabels=[configuration.label for configuration in rows])
        axis.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def rates(review: Review, path: Path) -> None:
    """Bits per pixel against MSE: a dot a configuration, a colour a latent, a shape a decoder, and in grey what codes
    the images without a network."""
    board = at_a_sample(review.board)
    names, others = board["label"].str.split(", ", n=1, expand=True).reindex(columns=[0, 1]).T.to_numpy()
    decoders = sorted({other for other in others if str(other).startswith("decoder=")})
    shapes = dict(zip(decoders, "osD^vPX*<>", strict=False))
    colours = {name: f"C{number % 10}" for number, name in enumerate(sorted(set(names)))}
    figure, axis = plt.subplots(figsize=(8.5, 5))
    for (name, curve), style in zip(curves_of(review.ranked).items(), ("--", "-."), strict=False):
        seen = curve[curve[:, 1] > 0]
        axis.plot(*seen.T, style, color="grey", label=RATE_CURVES[name])
    front = pareto(board, RATE, "test/mse", review.measures)
    axis.step(*board[front].sort_values(RATE)[[RATE, "test/mse"]].to_numpy().T, ":", where="post", color="black")
    for name, other, row in zip(names, others, board.to_dict("records"), strict=True):
        at, spread = (row[RATE], row["test/mse"]), (row["test/mse ±"], row[f"{RATE} ±"] or None)
        axis.errorbar(*at, *spread, fmt=shapes.get(other, "o"), markersize=5, color=colours[name])
    if shapes:
        for name, colour in colours.items():
            axis.plot([], [], "o", markersize=5, color=colour, label=name)
        for decoder, shape in shapes.items():
            axis.plot([], [], shape, markersize=5, color="black", label=decoder)
    for at, labels in [] if shapes else together(board):
        right = at[0] > board[RATE].max() / 3  # the longest names would leave the figure
        place = {"xytext": (-5, 5), "ha": "right"} if right else {"xytext": (5, 5)}
        axis.annotate(in_one(labels), at, **place, textcoords="offset points", fontsize="small")
    axis.set(xscale="log", yscale="log", xlabel="bits per pixel", ylabel="MSE")
    shown = board[RATE].min() / 2, board[RATE].max() * 2, board["test/mse"].min() / 2, board["test/mse"].max() * 2
    axis.set(xlim=shown[:2], ylim=shown[2:])
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_formatter(lambda value, _: number(float(f"{value:.6g}")))
        one.set_minor_formatter(NullFormatter())
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False)
    axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def in_one(labels: list[str]) -> str:
    """`dense, wae, dim=4` for `dense, latent.dim=4` and `wae, latent.dim=4`."""
    names: dict[str, list[str]] = {}
    for label in labels:
        name, _, rest = label.partition(", ")
        names.setdefault(rest.replace("latent.", ""), []).append(name)
    return "; ".join(", ".join([*of_rest, rest] if rest else of_rest) for rest, of_rest in names.items())


def together(board: pd.DataFrame) -> list[tuple[tuple[float, float], list[str]]]:
    """Where a name is to stand in the figure, and those that would stand on each other there as one."""
    places: list[tuple[tuple[float, float], list[str]]] = []
    for row in board.sort_values("test/mse", ascending=False).to_dict("records"):
        at, label = (row[RATE], row["test/mse"]), row["label"].removeprefix("latent=")
        near = (labels for place, labels in places if np.ptp(np.log10([place, at]), axis=0) @ (1, 2) < 0.14)
        if (labels := next(near, None)) is None:
            places.append((at, [label]))
        else:
            labels.append(label)
    return places


def says_something(review: Review, metric: str) -> bool:
    """Is it measured, and not the same in all runs?"""
    values = [numbers(run).get(metric, np.nan) for run in review.sweep.runs]
    return len({value for value in values if np.isfinite(value)}) > 1


def scale(axis: Axes, values: Sequence[float]) -> None:
    """Logarithmic where the values span a factor of 3; few ticks, in plain numbers."""
    positive = [value for value in values if value > 0]
    if positive and max(positive) > 3 * min(positive) and min(values) >= 0:
        low, high = min(positive), max(positive)
        margin = (high / low) ** 0.05
        subs = (1,) if high > 50 * low else (1, 3) if high > 10 * low else (1, 2, 5)
        axis.set(xscale="log", xlim=(low / margin**2, high * margin))
        axis.xaxis.set_major_locator(LogLocator(subs=subs, numticks=5))
        axis.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.05 * (np.nanmax(values) - np.nanmin(values))
        axis.set(xlim=(np.nanmin(values) - margin, np.nanmax(values) + margin))
        axis.xaxis.set_major_locator(MaxNLocator(3))
    axis.xaxis.set_major_formatter(lambda value, _: number(float(f"{value:.6g}")))


def pictures(review: Review, out: Path) -> None:
    """pictures.png, or pictures-<task>.png for each of several tasks."""
    for old in out.glob("pictures*.png"):
        old.unlink()
    images = side_by_side(review)
    for task, image in images.items():
        of_task = re.sub(r"[^\w.]+", "-", "-".join(re.findall(r"=([^,]+)", task)))
        image.save(out / (f"pictures-{of_task}.png" if len(images) > 1 else "pictures.png"), optimize=True)


def main() -> None:
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
        return
    request = parse(sys.argv[1:])
    if request.out == request.folder:
        request = replace(request, out=RESULTS / request.folder.resolve().name)
    review = make(request)
    (request.out / "report.html").unlink()  # megabytes; the command in report.md makes it again
    pictures(review, request.out)
    seeds(review, request.out / "seeds.png")
    if "latent" in review.sweep.varied and review.board[RATE].round(9).nunique() > 1:
        rates(review, request.out / "rates.png")


if __name__ == "__main__":
    try:
        main()
    except HourglassError as error:
        sys.exit(str(error))
