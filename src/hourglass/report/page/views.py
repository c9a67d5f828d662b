"""The tables of `hourglass.report.analysis.tables` as the page shows them: texts, marks, order of columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from hourglass.report.analysis import tables
from hourglass.report.analysis.measures import GROUPS, is_held_against_real, measure, metric_direction, title
from hourglass.report.analysis.review import Review
from hourglass.report.page import marks
from hourglass.report.page.marks import number, p_value, percent, span, with_half


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
    """Of the configuration, its rank: its colour, and what the page knows it by"""
    label: str
    values: list[str]
    n: int
    seeds: str
    notes: list[str]
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


def columns(review: Review) -> list[Column]:
    """Every number of the leaderboard, grouped; the checkerboard metrics with the real images' value beside them."""
    board = review.board
    names = [name for name in board if f"{name} values" in board]
    key = tables.key_columns(board, review.metric) if names else []
    found = []
    for group in GROUPS:
        of_group = [name for name in names if name.startswith(f"{group}/")]
        for name in sorted(of_group, key=lambda name: key.index(name) if name in key else len(key)):
            direction = metric_direction(name)
            notes = [f"{direction} is better"] if direction and group != "cost" else []
            if is_held_against_real(name) and (real := real_name(name)) in board:
                notes.append(f"real images {span(board[real])}")
            found.append(Column(name, group, title(name), notes, name in key))
    return sorted(found, key=lambda column: column.key != review.metric)  # the metric of the report comes first


def glossary(shown: Sequence[Column]) -> dict[str, str]:
    """Title -> meaning of what the columns are, each measure once."""
    found = dict.fromkeys(measure(column.key)[0] for column in shown)
    return {one.title.replace("{}", "s" if "stride" in one.title else "n"): one.meaning for one in found if one.meaning}


def real_name(name: str) -> str:
    """The column of what a checkerboard metric is to be held against: `test/phase_bias_2` -> `real/phase_bias_2`."""
    return f"real/{name.split('/', 1)[1]}"


def board_rows(review: Review, shown: Sequence[Column]) -> list[Row]:
    records = review.board.to_dict("records")
    scales = {}
    for column in shown:
        real = review.board.get(real_name(column.key)) if is_held_against_real(column.key) else None
        values = (value for row in records for value in row[f"{column.key} values"])
        scales[column.key] = marks.Scale.over([*(real if real is not None else []), *values])
    return [
        Row(
            place,
            row["label"],
            [row[key] for key in review.sweep.varied],
            row["n"],
            ", ".join(map(str, row["seeds"])),
            configuration.notes,
            [_cell(row, column, scales[column.key]) for column in shown],
        )
        for place, (row, configuration) in enumerate(zip(records, review.ranked, strict=True))
    ]


def _cell(row: dict[str, Any], column: Column, scale: marks.Scale) -> Cell:
    mean, half, values = row[column.key], row[f"{column.key} ±"], row[f"{column.key} values"]
    if not any(map(math.isfinite, values)):
        return Cell(None, "–")
    if column.group in ("cost", "floor", "real"):
        return Cell(_finite(mean), number(mean))
    text, half_text = with_half(mean, half) if math.isfinite(mean) else ("not finite", "")
    real = row.get(real_name(column.key)) if is_held_against_real(column.key) else None
    return Cell(_finite(mean), text, half_text, marks.strip(scale, values, mean, half, real=real))


def compared_rows(review: Review) -> tuple[list[Compared], Markup]:
    """(rows, axis of their drawings): the forest of differences, all on one scale."""
    place = {configuration.label: i for i, configuration in enumerate(review.ranked)}
    records = review.comparison.to_dict("records")
    scale = marks.Scale.over([0.0, *(d for row in records for d in row["differences"])], width=150)
    rows = []
    for row in records:
        text, half = with_half(row["difference"], row["difference ±"])
        drawn = marks.strip(scale, row["differences"], row["difference"], row["difference ±"], zero=True)
        mood = {"better": "good", "worse": "bad"}.get(row["verdict"], "warn" if "not enough" in row["verdict"] else "")
        rows.append(
            Compared(
                place[row["label"]],
                row["label"],
                row["reference"] or "none",
                row["pairs"],
                Cell(_finite(row["difference"]), text if text.startswith(("-", "–")) else f"+{text}", half, drawn),
                Cell(_finite(row["relative"]), percent(row["relative"], signed=True)),
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


def heats(review: Review, metrics: Sequence[str]) -> list[Heat]:
    """One a metric that has a better end."""
    found = []
    for metric in metrics:
        table = tables.heatmap(review.sweep, metric) if metric_direction(metric) else None
        if table is None or not len(table):
            continue
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
