"""What the tuning behind a sweep shows: what was chosen, the curve that led there, and whether another value would turn
the comparison."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from hourglass.core.text import counted, number, percent, plus_minus
from hourglass.report.analysis.comparison import NAN, by, paired, reference_values
from hourglass.report.analysis.measures import Measures
from hourglass.report.reading.configurations import configurations
from hourglass.report.reading.run import ABSENT, value_of
from hourglass.report.reading.runs import Sweep

CHOSEN, EDGE = "chosen", "chosen, at the edge of the grid"
CURVE = ["Configuration", "value", "mean", "lowest", "highest", "seeds", "note"]
AGAIN = ["Configuration", "against", "value", "pairs", "difference", "relative", "side", "note"]
SIDES = {-1.0: "better", 0.0: "equal", 1.0: "worse"}


@dataclass(frozen=True)
class Tuned:
    keys: list[str]
    metric: str
    """By which was tuned"""
    curves: pd.DataFrame
    """`label`, `value` as one types it, `x` per key, `values` over the tuning seeds, `mean`, `note`"""
    again: pd.DataFrame
    """The comparison on the tuning seeds at each value: `value`, the columns of `comparison.paired`, `side`, empty
    where nothing can be compared, and `trouble`"""
    sentences: list[str]

    def curve_rows(self) -> list[list[str]]:
        """In the columns `CURVE`."""
        return [
            [row["label"], row["value"], *map(number, (row["mean"], min(row["values"]), max(row["values"]))),
             str(len(row["values"])), row["note"]]
            for row in self.curves.to_dict("records")
        ]  # fmt: skip

    def again_rows(self) -> list[list[str]]:
        """In the columns `AGAIN`."""
        return [
            [row["label"], row["reference"], row["value"], str(row["pairs"]),
             plus_minus(row["difference"], row["difference ±"]), percent(row["relative"], signed=True), row["side"],
             row["trouble"]]
            for row in self.again.to_dict("records")
        ]  # fmt: skip


def tuned(sweep: Sweep, reference: str | None, metric: str) -> Tuned | None:
    """None where nothing was tuned. `reference` and `metric` as in `comparison.paired`."""
    tuning = sweep.tuning
    if not (tuning.keys and tuning.runs and sweep.runs):
        return None
    chosen = {configuration.label: tuning.point(configuration.runs[0]) for configuration in sweep.configurations}
    curves, again = _curves(sweep, chosen), _again(sweep, reference, metric)
    turned = turns(again, tuning.keys, metric, len(tuning.seeds))
    sentences = [_chosen(sweep, chosen), *_edges(curves, tuning.keys), *turned]
    return Tuned(tuning.keys, tuning.metric, curves, again, sentences)


def _curves(sweep: Sweep, chosen: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    tuning, rows = sweep.tuning, []
    for configuration in configurations(tuning.runs, [], sweep.varied):
        points: dict[tuple[str, ...], list[float]] = {}
        for run in configuration.runs:
            points.setdefault(tuning.point(run), []).append(run.metrics.get(tuning.metric, float("nan")))
        columns = list(zip(*map(_floats, points), strict=True))
        for point in sorted(points, key=_floats):
            best, lost = chosen.get(configuration.label) == point, len(tuning.seeds) - len(points[point])
            edge = any(x in (min(column), max(column)) for x, column in zip(_floats(point), columns, strict=True))
            notes = [(EDGE if edge else CHOSEN) if best else "", f"{lost} without a result" if lost > 0 else ""]
            rows.append({
                "label": configuration.label, "value": ", ".join(point), "x": _floats(point), "values": points[point],
                "mean": float(np.mean(points[point])), "note": "; ".join(filter(None, notes)),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _again(sweep: Sweep, reference: str | None, metric: str) -> pd.DataFrame:
    """The comparisons of the reported runs again, at every value that was tried, with what went wrong there; without
    a side where nothing can be compared because runs were lost."""
    tuning, named = sweep.tuning, reference_values(sweep, reference)
    reported = paired(sweep, reference, metric)
    lower, trouble = Measures.of(sweep).direction(metric) == "lower", _trouble(sweep)
    points = sorted({*map(tuning.point, tuning.runs), *(point for _, point in trouble)}, key=_floats)
    rows: list[dict[str, Any]] = []
    for point in points:
        runs = [run for run in tuning.runs if tuning.point(run) == point]
        there = Sweep(sweep.folder, sweep.name, sweep.info, runs, [])
        there.known = sweep.varied
        possible = any(all(c.values.get(key, ABSENT) == named[key] for key in named) for c in there.configurations)
        table = paired(there, reference, metric).to_dict("records") if possible else []
        compared = {(row["label"], row["reference"]): row for row in table if np.isfinite(row["difference"])}
        for pair in zip(reported["label"], reported["reference"], strict=True):
            wrong = "; ".join(f"{label}: {trouble[label, point]}" for label in pair if (label, point) in trouble)
            at = {"label": pair[0], "reference": pair[1], "value": ", ".join(point), "trouble": wrong}
            if pair in compared:
                sign = float(np.sign(compared[pair]["difference"])) * (1 if lower else -1)
                rows.append(compared[pair] | at | {"side": SIDES[sign]})
            elif wrong:
                rows.append(dict.fromkeys(reported.columns, NAN) | at | {"pairs": 0, "side": ""})
    table = pd.DataFrame(rows, columns=[*reported.columns, "value", "side", "trouble"])
    return table.sort_values("label", kind="stable", ignore_index=True)


def _trouble(sweep: Sweep) -> dict[tuple[str, tuple[str, ...]], str]:
    """(label, point) -> what is wrong with its tuning runs: lost, or unwell."""
    tuning = sweep.tuning
    wrong: dict[tuple[str, tuple[str, ...]], str] = {}
    for configuration in sweep.configurations:
        runs = [run for run in tuning.runs if all(value_of(run, k) == v for k, v in configuration.values.items())]
        said = {f"{key}={value}" for key, value in configuration.values.items()}
        lost = [dict(o.partition("=")[::2] for o in one.overrides) for one in tuning.lost if said <= set(one.overrides)]
        lost_at = Counter(tuple(one[key] for key in tuning.keys) for one in lost if set(tuning.keys) <= set(one))
        ill_at = Counter((tuning.point(run), ", ".join(run.health)) for run in runs if run.health)
        notes: dict[tuple[str, ...], list[str]] = {}
        for point, count in lost_at.items():
            notes.setdefault(point, []).append(f"{count} of {len(tuning.seeds)} seeds without a result")
        for (point, health), count in ill_at.items():
            notes.setdefault(point, []).append(f"{count} of {len(tuning.seeds)} seeds with {health}")
        wrong |= {(configuration.label, point): ", ".join(texts) for point, texts in notes.items()}
    return wrong


def _floats(point: Sequence[str]) -> tuple[float, ...]:
    return tuple(map(float, point))


def _chosen(sweep: Sweep, chosen: dict[str, tuple[str, ...]]) -> str:
    """`Tuned by val/mse on 3 seeds of their own: optimizer.lr=0.005 for decoder=resize; …`"""
    keys, seeds = sweep.tuning.keys, counted(len(sweep.tuning.seeds), "seed")
    of_value: dict[tuple[str, ...], list[str]] = {}
    for label, point in chosen.items():
        of_value.setdefault(point, []).append(label)
    of_each = [
        f"{', '.join(f'{key}={value}' for key, value in zip(keys, point, strict=True))} for {_whom(labels, chosen)}"
        for point, labels in of_value.items()
    ]
    return f"Tuned by {sweep.tuning.metric} on {seeds} of their own: {'; '.join(of_each)}."


def _edges(curves: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    at_edge = [row["label"] for row in curves.to_dict("records") if row["note"].startswith(EDGE)]
    whom = _whom(at_edge, set(curves["label"]))
    where = f"The best {', '.join(keys)} of {whom} lies at the edge of the grid: what is beyond was not tried."
    return [where] if at_edge else []


def _whom(labels: Sequence[str], of: Collection[str]) -> str:
    return "all" if len(labels) == len(of) > 1 else " and ".join(labels) if len(labels) < 3 else "; ".join(labels)


def turns(again: pd.DataFrame, keys: Sequence[str], metric: str, seeds: int) -> list[str]:
    """Would the comparison turn at another value? A sentence for each, from the signs of the differences."""
    name, sentences = ", ".join(keys), []
    of_what = f"({metric}, mean of {counted(seeds, 'tuning seed')})"
    for (label, reference), every in again.groupby(["label", "reference"], sort=False):
        rows, lost = every[every["side"] != ""], every[every["side"] == ""]
        at_lost = f"{', '.join(lost['value'])}: {'; '.join(dict.fromkeys(lost['trouble']))}."
        if not len(rows):
            sentences.append(f"{label} cannot be compared with {reference} at {name} {at_lost}")
            continue
        sentence = _sign(rows, label, reference, name, of_what)
        sentences.append(f"{sentence} Nothing can be compared at {at_lost}" if len(lost) else sentence)
    return sentences


def _sign(rows: pd.DataFrame, label: str, reference: str, name: str, of_what: str) -> str:
    """Where the sign changes from one value to the next, between values without trouble if it does so there; or that it
    does not."""
    decided = rows[rows["side"] != "equal"].to_dict("records")
    steps = [(a, b) for a, b in pairwise(decided) if a["side"] != b["side"]]
    if steps:
        (a, b) = min(steps, key=lambda step: sum(bool(row["trouble"]) for row in step))
        there, beyond = (f"{by(pd.Series(row))} {row['side']}{_brackets(row['trouble'])}" for row in (a, b))
        return (
            f"At {name} {a['value']} {label} is {there} than {reference}, at {b['value']} {beyond} {of_what}: "
            f"the sign turns with {name}."
        )
    values = list(rows["value"])
    where = (
        f"every {name} from {values[0]} to {values[-1]} that both have" if len(values) > 1 else f"{name} {values[0]}"
    )
    side = f"{decided[0]['side'] if decided else 'neither better nor worse'} than"
    if 0 < len(decided) < len(rows):
        side += " or equal to"
    ill = rows[rows["trouble"] != ""]
    troubled = "; ".join(f"{value}: {what}" for value, what in zip(ill["value"], ill["trouble"], strict=True))
    return (
        f"{label} is {side} {reference} at {where}{_brackets(troubled)} {of_what}: the sign does not turn with {name}."
    )


def _brackets(text: str) -> str:
    return f" ({text})" if text else ""
