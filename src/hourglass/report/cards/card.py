"""Pictures of untrained operators: a row for each, facts on the left, then its panels. Needs the extra `report`."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor

from hourglass.report.cards.probes import BINS, Panels
from hourglass.report.cards.untrained import Numbers, number
from hourglass.report.cards.variants import FACTOR, Group, Variant

WIDTH, LEFT, SIDE, GAP, HEADER, CAPTION, MARGIN, DPI = 1536, 222, 192, 30, 100, 66, 12, 170
"""Pixels: a picture of six panels, its text on the left, a panel, the space between two, what is above and below them.
They are shown smaller, so that letters are sharp on fine screens. 32 divides SIDE: every number is a square of whole
pixels."""
PIXEL = 72 / DPI
"""In points, matplotlib's unit of lines and letters."""

INK, PALE, RULE, LINES = "#1f2328", "#656d76", "#d0d7de", ("#54a0f0", "#c45000")
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.titlesize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "text.color": INK, "axes.labelcolor": PALE, "xtick.labelcolor": PALE, "ytick.labelcolor": PALE,
    "xtick.major.size": 0, "ytick.major.size": 0, "xtick.major.pad": 2, "ytick.major.pad": 2, "axes.edgecolor": RULE,
    "axes.linewidth": 2 * PIXEL, "lines.markeredgewidth": 2 * PIXEL, "axes.unicode_minus": False,
}  # fmt: skip

Scale = tuple[Colormap | str, float, float, tuple[str, str, str]]
"""Colours, the numbers at their ends, labels; a number outside gets the colour of that end."""

SIGNED = LinearSegmentedColormap.from_list("signed", ["#214b9e", "#7ca5db", "white", "#e98c70", "#aa1828"], N=257)
"""Red is above 0, blue below, as in the pictures of errors; an odd number of colours, so that 0 is white."""
AMOUNT = LinearSegmentedColormap.from_list("amount", ["white", "#cfe0de", "#88bbb8", "#3d898a", "#09515a"])

PEAK: Scale = (SIGNED, -1, 1, ("-1", "0", "1"))
OVERLAP: Scale = (AMOUNT, 0, 2, ("0", "mean", "twice"))
FLAT: Scale = (SIGNED, -2, 2, ("-2", "mean", "2 RMS"))
GREY: Scale = ("gray", 0, 1, ("0", "", "1"))
POWER: Scale = ("viridis", -30, 20, ("-30", "dB", "+20"))
SCALES = {
    "impulse response": PEAK, "seen by one value": PEAK, "values per pixel": OVERLAP, "flat field in": FLAT,
    "gradient of flat": FLAT, "spectrum, noise in": POWER, "spectrum, smooth in": POWER, "power let through": POWER,
    "picture in": GREY,
}  # fmt: skip
STEP, STEP_REACH = "step edge in", 3.0
STEP_LINES: dict[Group, tuple[str, str]] = {"decoder": ("a row", "the next"), "encoder": ("edge", "1 px on")}
"""The panel that shows lines, and what they are."""


class Row(NamedTuple):
    """All that is known of one variant."""

    variant: Variant
    panels: Panels
    numbers: Numbers


def save(path: Path, groups: Mapping[Group, Sequence[Row]]) -> None:
    """Draw the card of one operator, or several operators below each other, as a PNG."""
    with rc_context(STYLE):
        canvas = FigureCanvasAgg(_draw(groups))
        canvas.draw()
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).save(path, optimize=True)


def _draw(groups: Mapping[Group, Sequence[Row]]) -> Figure:
    panels = max(len(rows[0].panels) for rows in groups.values())
    width = WIDTH + (panels - 6) * (SIDE + GAP)
    height = MARGIN + sum(HEADER + len(rows) * (SIDE + CAPTION) for rows in groups.values())
    figure = Figure((width / DPI, height / DPI), DPI)

    def add_axes(column: int, top: int, rows: int) -> Axes:
        """At whole pixels; the frame lies behind what is drawn there, so that it cuts nothing off."""
        x, y = LEFT + column * (SIDE + GAP), height - top - rows
        axes = figure.add_axes((x / width, y / height, SIDE / width, rows / height), xticks=[], yticks=[])
        axes.spines[:].set_zorder(-1)
        return axes

    def add_text(top: int, text: str, **style: Any) -> None:
        figure.text(MARGIN / width, 1 - top / height, text, va="top", **style)

    top = MARGIN
    for group, rows in groups.items():
        add_text(top, "Ways up" if group == "decoder" else "Ways down", fontsize=13)
        for column, title in enumerate(rows[0].panels):
            _header(add_axes(column, top + 38, 14), title, group)
        top += HEADER
        for row in rows:
            add_text(top, row.variant.name, fontsize=9.5)
            default = "default" if row.variant.is_default and row.variant.option else ""
            cost = f"{row.numbers['params']:,} params", f"{row.numbers['relative MACs']:.2f}× MACs"
            for i, fact in enumerate(filter(None, (row.variant.option, default, *cost))):
                add_text(top + 38 + 27 * i, fact, color=PALE)
            for column, (title, caption) in enumerate(zip_longest(row.panels, _captions(row), fillvalue="")):
                axes = add_axes(column, top, SIDE)
                _panel(axes, title, row.panels[title], group)
                axes.set_xlabel(caption, va="bottom")
                axes.xaxis.set_label_coords(0.5, -44 / SIDE)
            top += SIDE + CAPTION
    return figure


def _header(axes: Axes, title: str, group: Group) -> None:
    """The title of a column and what its colours mean."""
    axes.set_title(title)
    if title == STEP:
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.set_axis_off()
        for x, name, colour in zip((0, 0.45), STEP_LINES[group], LINES, strict=True):
            axes.plot((x, x + 0.1), (0.5, 0.5), color=colour, linewidth=6 * PIXEL)
            axes.text(x + 0.14, 0.5, name, va="center", color=PALE, fontsize=7)
        axes.text(0, -0.3, "in RMS of flat field", va="top", color=PALE, fontsize=7)
        return
    colours, _, _, labels = SCALES[title]
    axes.imshow(np.linspace(0, 1, SIDE)[None], colours, aspect="auto")
    axes.set_xticks([0, SIDE / 2, SIDE], labels)
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.get_xticklabels()[2].set_horizontalalignment("right")


def _panel(axes: Axes, title: str, values: Tensor, group: Group) -> None:
    if title == STEP:
        _stairs(axes, values)
        return
    colours, low, high, _ = SCALES[title]
    shown = values / values.mean() if title == "values per pixel" else values
    axes.imshow(shown.numpy(), colours, vmin=low, vmax=high, aspect="auto", interpolation="none")
    if title == "values per pixel":
        for (i, j), value in np.ndenumerate(values.numpy()):
            digits = f"{value:.0f}" if value == round(value) else f"{value:.1f}"
            axes.text(j, i, digits, ha="center", va="center", color="white" if shown[i, j] > 1.4 else INK)
    if SCALES[title] is POWER:
        _frequencies(axes, group)


def _stairs(axes: Axes, values: Tensor) -> None:
    """(2, n): the first line is wider, so that it shows where the second lies on it."""
    for line, colour, width in zip(values.clamp(-STEP_REACH, STEP_REACH).numpy(), LINES, (7, 3), strict=True):
        axes.stairs(line, baseline=None, color=colour, linewidth=width * PIXEL)
    axes.set(xlim=(0, values.shape[1]), ylim=(-STEP_REACH, STEP_REACH), yticks=[-2, 0, 2])
    axes.hlines(range(-2, 3), 0, values.shape[1], [RULE, RULE, PALE, RULE, RULE], linewidth=PIXEL, zorder=0)


def _frequencies(axes: Axes, group: Group) -> None:
    """Rings around the harmonics of a way up; a square around the frequencies that the coarse grid can hold."""
    zero, half = BINS / 4, BINS * 3 / 4
    if group == "decoder":
        axes.plot((zero, half, half), (half, zero, half), "wo", fillstyle="none", markersize=SIDE / 8 * PIXEL)
    else:
        axes.add_patch(Rectangle((0, 0), half - zero, half - zero, fill=False, edgecolor="white", linewidth=2 * PIXEL))
    axes.set_xticks([zero, half], ["0", "1/2"])


def _captions(row: Row) -> tuple[str, ...]:
    """The line of numbers below each panel."""
    n, (response, overlap, *_) = row.numbers, row.panels.values()
    support = response.abs().gt(1e-9).nonzero()
    height, width = (support.amax(0) - support.amin(0) + 1).tolist()
    phases = sorted(overlap[:FACTOR, :FACTOR].flatten().tolist(), reverse=True)
    whole = all(phase == round(phase) for phase in phases)
    first = (f"{height} × {width} pixels", ":".join(f"{p:.0f}" for p in phases) if whole else "mean over channels")
    if row.variant.group == "encoder":
        return (*first, "", "", f"pattern {number(n['gradient pattern'], 2)}", f"aliased {n['aliased']:.0%}")
    harmonics = [f"{round(n[key]):+d} dB".replace("+0", "0") for key in ("white HP", "smooth HP")]
    white = f"PEI {number(n['white PEI'], 2)}, HP {harmonics[0]}"
    smooth = f"PB {number(n['smooth PB'], 2)}, HP {harmonics[1]}"
    return (*first, f"gain share {number(n['gain share'], 2)}", "", white, smooth)
