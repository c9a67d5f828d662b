"""The tables of `hourglass.report.analysis` as the page shows them: texts, marks, order of columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from hourglass.core.measures import GROUPS
from hourglass.core.text import number, p_value, percent, r_value, span, with_half
from hourglass.report.analysis import stats, tables
from hourglass.report.analysis.review import Review
from hourglass.report.analysis.verdicts import NOT_ENOUGH, WITHHELD
from hourglass.report.page import marks
from hourglass.report.reading.configurations import Configuration


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
    """To sort by; None, which comes last, where it is not finite"""
    text: str
    half: str = ""
    mark: Markup | None = None


@dataclass(frozen=True)
class Heat:
    metric: str
    where: str
    columns: list[str]
    rows: list[tuple[str, list[tuple[str, float]]]]
    """Encoder -> (text, strength of the colour 0 … 1: 1 is the best) per decoder"""


def columns(review: Review) -> list[Column]:
    """Every number of the leaderboard, grouped; the checkerboard metrics with the real images' value beside them."""
    board, measures = review.board, review.measures
    names = [name for name in board if f"{name} values" in board]
    key = tables.key_columns(board, review.metric, measures) if names else []
    shown = _shown(review, key)
    made = []
    for group in GROUPS:
        of_group = [name for name in names if name.startswith(f"{group}/")]
        for name in sorted(of_group, key=lambda name: key.index(name) if name in key else len(key)):
            direction = measures.direction(name)
            notes = [f"{direction} is better"] if direction and group != "cost" else []
            if (real := measures.real_name(name)) in board:
                notes.append(f"real images {span(board[real])}")
            made.append(Column(name, group, measures.title(name), notes, name in shown))
    return sorted(made, key=lambda column: column.key != review.metric)  # the metric of the report comes first


FIRST = (
    "test/mse", "test/psnr", "test/phase_bias_2", "cost/index_bits", "cost/num_params", "cost/macs_per_image",
    "test/ssim", "cost/bits_per_pixel",
)  # fmt: skip
"""What is shown first where there are more columns than fit"""
FITTING = 6
"""Columns of numbers that a screen of 1280 pixels holds beside the configuration"""


def _shown(review: Review, key: Sequence[str]) -> list[str]:
    """Of the key columns as many as fit: those in which the configurations differ, the metric of the report first."""
    several = len(review.board) > 1
    telling = [name for name in key if not several or review.board[name].round(12).nunique(dropna=False) > 1]
    wanted = sorted(telling, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return list(dict.fromkeys((review.metric, *wanted)))[:FITTING]


def glossary(review: Review, shown: Sequence[Column]) -> dict[str, str]:
    """Title -> meaning of what the columns are, each measure once."""
    measures = dict.fromkeys(review.measures.measure(column.key)[0] for column in shown)
    return {m.full_title.replace("{}", "s" if "stride" in m.title else "n"): m.meaning for m in measures if m.meaning}


def board_rows(review: Review, shown: Sequence[Column]) -> list[tuple[Configuration, list[Cell]]]:
    records = review.board.to_dict("records")
    scales, real_name = {}, review.measures.real_name
    for column in shown:
        values = [value for row in records for value in row[f"{column.key} values"]]
        scales[column.key] = marks.Scale.over([*values, *review.board.get(real_name(column.key), [])])
    cells = [
        [_measured(row, column, scales[column.key], row.get(real_name(column.key))) for column in shown]
        for row in records
    ]
    return list(zip(review.ranked, cells, strict=True))


def _measured(row: dict[str, Any], column: Column, scale: marks.Scale, real: float | None) -> Cell:
    mean, half, values = row[column.key], row[f"{column.key} ±"], row[f"{column.key} values"]
    if not any(map(math.isfinite, values)):
        return Cell(None, "–")
    if column.group in ("cost", "baseline", "real"):
        return _cell(mean, number(mean))
    text, half_text = with_half(mean, half) if math.isfinite(mean) else ("not finite", "")
    return _cell(mean, text, half_text, marks.strip(scale, values, mean, half, real=real))


def _cell(value: float, text: str, half: str = "", mark: Markup | None = None) -> Cell:
    return Cell(float(value) if math.isfinite(value) else None, text, half, mark)


def compared_rows(review: Review) -> tuple[list[str], list[dict[str, Any]], Markup]:
    """(titles, rows, axis of their drawings): the forest of differences, all on one scale.

    Rows as in `comparison.paired`, with the rank of the configuration, the `mood` of its verdict, and `cells` below the
    titles: the difference; the same relative; r of the pairs; p as tested and after Holm's correction; that of
    equivalence where there is a margin, else the smallest that this many pairs can give.
    """
    place = {configuration.label: i for i, configuration in enumerate(review.ranked)}
    records = review.comparison.to_dict("records")
    p_values = {"p": "p", "p, Holm": "p_holm"}
    p_values |= {"p, TOST": "p_equivalent_holm"} if review.equivalent_within else {"smallest p": "smallest_p"}
    drawn = [value for row in records for value in (*row["differences"], row["margin"], -row["margin"])]
    scale = marks.Scale.over([0.0, *drawn], width=150)
    moods = {"better": "good", "worse": "bad", NOT_ENOUGH: "warn", WITHHELD: "warn"}
    for row in records:
        mean, half = row["difference"], row["difference ±"]
        text, half_text = with_half(mean, half)
        inner = stats.t_interval(row["differences"], 0.9)
        mark = marks.strip(scale, row["differences"], mean, half, zero=True, margin=row["margin"], inner=inner)
        row["number"] = place[row["label"]]
        row["mood"] = next((mood for kind, mood in moods.items() if row["verdict"].startswith(kind)), "")
        row["cells"] = [
            _cell(mean, text if text.startswith(("-", "–")) else f"+{text}", half_text, mark),
            _cell(row["relative"], percent(row["relative"], signed=True)),
            _cell(row["r"], r_value(row["r"])),
            *(_cell(row[key], p_value(row[key])) for key in p_values.values()),
        ]
    return ["difference", "relative", "r", *p_values], records, marks.axis(scale)


def heats(review: Review, metrics: Sequence[str]) -> list[Heat]:
    """One per metric that has a better end."""
    made = []
    for metric in metrics:
        table = tables.heatmap(review.sweep, metric) if review.measures.direction(metric) else None
        if table is None or not len(table):
            continue
        low, high = table.min(axis=None), table.max(axis=None)
        strength = (table - low) / (high - low) if high > low else table * 0
        if review.measures.direction(metric) == "lower":
            strength = 1 - strength
        shades = strength.fillna(0).round(3).to_numpy().tolist()
        texts = [list(map(number, values)) for values in table.to_numpy()]
        rows = [
            (str(encoder), list(zip(*of, strict=True))) for encoder, *of in zip(table.index, texts, shades, strict=True)
        ]
        made.append(Heat(metric, table.attrs["where"], list(map(str, table.columns)), rows))
    return made
