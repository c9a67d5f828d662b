"""The tables of `hourglass.report.tables` as the page shows them: texts, marks, order of columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from hourglass.report import marks, tables
from hourglass.report.figures import COSTS
from hourglass.report.marks import number, p_value, with_half
from hourglass.report.measures import metric_direction
from hourglass.report.runs import Configuration, Sweep

GROUPS = {
    "test/": "On the test images",
    "cost/": "Cost",
    "ratio/": "Over a floor",
    "init/": "Before the first step",
    "val/": "On the validation images",
    "train/": "On the training images",
    "real/": "Of the real images",
    "floor/": "Floors",
}
"""Prefix of a number's name -> what it is called in the chooser of columns, in this order."""
SHOWN = (
    "test/mse", "test/psnr", "test/ssim", "test/phase_bias_2", "test/kl", "cost/num_params", "cost/macs_per_image",
    "cost/index_bits", "cost/images_per_second",
)  # fmt: skip
"""Columns that one sees before choosing, beside the metric of the report and the ratio to the lowest floor."""


@dataclass(frozen=True)
class Column:
    key: str
    group: str
    title: str
    notes: list[str]
    shown: bool


@dataclass(frozen=True)
class Cell:
    value: float | None
    text: str
    half: str = ""
    mark: Markup | None = None


@dataclass(frozen=True)
class Row:
    number: int
    """Of the configuration: its colour, and what the page knows it by"""
    label: str
    values: list[str]
    n: int
    seeds: str
    cells: list[Cell]


@dataclass(frozen=True)
class Compared:
    number: int
    label: str
    reference: str
    pairs: int
    difference: Cell
    relative: Cell
    p: list[Cell]
    """As tested, after Holm's correction, and the smallest that so many pairs can give"""
    verdict: str
    mood: str


def columns(board: pd.DataFrame, metric: str) -> list[Column]:
    """Every number of the leaderboard, grouped; the checkerboard metrics with the real images' value beside them."""
    names = [name for name in board if f"{name} values" in board]
    ratios = {name: board[name].min() for name in names if name.startswith("ratio/")}
    tightest = max(ratios, key=lambda name: ratios[name], default=None)
    found = []
    for prefix, group in GROUPS.items():
        of_group = [name for name in names if name.startswith(prefix)]
        for name in sorted(of_group, key=lambda name: SHOWN.index(name) if name in SHOWN else len(SHOWN)):
            better = f"{metric_direction(name)} is better" if prefix in ("test/", "val/", "train/", "ratio/") else ""
            real = board.get(_real(name))
            notes = [better] * bool(better) + ([f"real images {_range(real)}"] if real is not None else [])
            useful = not name.startswith("cost/") or board[name].any()
            shown = name in (metric, tightest) or (name in SHOWN and useful)
            title = COSTS.get(name, name.removeprefix(prefix).replace("_", " "))
            found.append(Column(name, group, title, notes, bool(shown)))
    return sorted(found, key=lambda column: column.key != metric)  # the metric of the report comes first


def _real(name: str) -> str:
    """The column of what a checkerboard metric is held against: `test/phase_bias_2` -> `real/phase_bias_2`."""
    return name.replace("test/", "real/").replace("init/", "real/") if name[:5] in ("test/", "init/") else ""


def _range(values: pd.Series) -> str:
    low, high = number(values.min()), number(values.max())
    return low if low == high else f"{low} to {high}"


def board_rows(
    board: pd.DataFrame, shown: Sequence[Column], found: Sequence[Configuration], varied: Sequence[str]
) -> list[Row]:
    place = {configuration.label: i for i, configuration in enumerate(found)}
    records = board.to_dict("records")
    scales, digits = {}, {}
    for column in shown:
        digits[column.key] = marks.common_digits((row[column.key], row[f"{column.key} ±"]) for row in records)
        real = board.get(_real(column.key), pd.Series(dtype=float))
        scales[column.key] = marks.Scale.over([*real, *(v for row in records for v in row[f"{column.key} values"])])
    return [
        Row(
            place[row["label"]],
            row["label"],
            [row[key] for key in varied],
            row["n"],
            ", ".join(map(str, row["seeds"])),
            [_cell(row, column, scales[column.key], digits[column.key]) for column in shown],
        )
        for row in records
    ]


def _cell(row: dict[str, Any], column: Column, scale: marks.Scale, digits: int) -> Cell:
    mean, half, values = row[column.key], row[f"{column.key} ±"], row[f"{column.key} values"]
    if not any(map(math.isfinite, values)):
        return Cell(None, "–")
    text, half_text = with_half(mean, half, digits)
    if column.key.split("/")[0] in ("cost", "floor", "real") or len(values) == 0:
        return Cell(_finite(mean), number(float(f"{mean:.6g}")))
    if not math.isfinite(mean):
        text = "not finite"
    return Cell(_finite(mean), text, half_text, marks.strip(scale, values, mean, half, real=row.get(_real(column.key))))


def compared_rows(comparison: pd.DataFrame, found: Sequence[Configuration]) -> tuple[list[Compared], Markup]:
    """(rows, axis of their drawings): the forest of differences, all on one scale."""
    place = {configuration.label: i for i, configuration in enumerate(found)}
    records = comparison.to_dict("records")
    scale = marks.Scale.over([0.0, *(d for row in records for d in row["differences"])], width=180)
    digits = marks.common_digits((row["difference"], row["difference ±"]) for row in records)
    rows = []
    for row in records:
        text, half = with_half(row["difference"], row["difference ±"], digits)
        drawn = marks.strip(scale, row["differences"], row["difference"], row["difference ±"], zero=True)
        relative = f"{row['relative']:+.1%}" if math.isfinite(row["relative"]) else "–"
        mood = {"better": "good", "worse": "bad"}.get(row["verdict"], "warn" if "not enough" in row["verdict"] else "")
        rows.append(
            Compared(
                place[row["label"]],
                row["label"],
                row["reference"] or "none",
                row["pairs"],
                Cell(_finite(row["difference"]), text if text.startswith(("-", "–")) else f"+{text}", half, drawn),
                Cell(_finite(row["relative"]), relative),
                [Cell(_finite(row[key]), p_value(row[key])) for key in ("p", "p_holm", "smallest_p")],
                row["verdict"],
                mood,
            )
        )
    return rows, marks.axis(scale)


@dataclass(frozen=True)
class Heat:
    metric: str
    where: str
    columns: list[str]
    rows: list[tuple[str, list[tuple[str, float]]]]
    """Encoder -> (text, strength of the colour 0 … 1: 1 is the best) per decoder"""


def heats(sweep: Sweep, metrics: Sequence[str]) -> list[Heat]:
    found = []
    for metric in metrics:
        table = tables.heatmap(sweep, metric)
        if table is None:
            return []
        low, high = table.min(axis=None), table.max(axis=None)
        strength = (table - low) / (high - low) if high > low else table * 0
        if metric_direction(metric) == "lower":
            strength = 1 - strength
        rows = [
            (
                str(encoder),
                [(number(v), 0.0 if math.isnan(s) else round(s, 3)) for v, s in zip(values, shades, strict=True)],
            )
            for encoder, values, shades in zip(table.index, table.to_numpy(), strength.to_numpy(), strict=True)
        ]
        found.append(Heat(metric, table.attrs["where"], list(map(str, table.columns)), rows))
    return found


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
