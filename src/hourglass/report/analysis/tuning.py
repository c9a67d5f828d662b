"""What the tuning behind a sweep shows: what was chosen, the curve that led there, and whether another value would turn
the comparison."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hourglass.core.text import counted, number, percent, plus_minus
from hourglass.report.analysis.comparison import by, paired, reference_values
from hourglass.report.analysis.measures import Measures
from hourglass.report.reading.configurations import configurations
from hourglass.report.reading.run import ABSENT
from hourglass.report.reading.runs import Sweep

CHOSEN, EDGE = "chosen", "chosen, at the edge of the grid"
CURVE = ["Configuration", "value", "mean", "lowest", "highest", "seeds", "note"]
AGAIN = ["Configuration", "against", "value", "pairs", "difference", "relative", "side"]
SIDES = {-1.0: "better", 0.0: "equal", 1.0: "worse"}


@dataclass(frozen=True)
class Tuned:
    keys: list[str]
    metric: str
    """By which was tuned"""
    curves: pd.DataFrame
    """`label`, `value` as one types it, `x` per key, `values` over the tuning seeds, `mean`, `note`"""
    again: pd.DataFrame
    """The comparison on the tuning seeds at each value: `value`, the columns of `comparison.paired`, `side`"""
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
             plus_minus(row["difference"], row["difference ±"]), percent(row["relative"], signed=True), row["side"]]
            for row in self.again.to_dict("records")
        ]  # fmt: skip


def tuned(sweep: Sweep, reference: str | None, metric: str) -> Tuned | None:
    """None where nothing was tuned. `reference` and `metric` as in `comparison.paired`."""
    tuning = sweep.tuning
    if not (tuning.keys and tuning.runs and sweep.runs):
        return None
    chosen = {configuration.label: tuning.point(configuration.runs[0]) for configuration in sweep.configurations}
    curves, again = _curves(sweep, chosen), _again(sweep, reference, metric)
    sentences = [_chosen(sweep, chosen), *_edges(curves, tuning.keys), *turns(again, tuning.keys, metric)]
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
    """The comparisons of the reported runs again, at every value that was tried; without those that have no pair."""
    tuning, named = sweep.tuning, reference_values(sweep, reference)
    reported = paired(sweep, reference, metric)
    known = set(zip(reported["label"], reported["reference"], strict=True))
    tables = [pd.DataFrame(columns=[*reported.columns, "value", "side"])]
    lower = Measures.of(sweep).direction(metric) == "lower"
    for point in sorted(set(map(tuning.point, tuning.runs)), key=_floats):
        there = Sweep(sweep.folder, sweep.name, {}, [run for run in tuning.runs if tuning.point(run) == point], [])
        there.known = sweep.varied
        if any(all(c.values.get(key, ABSENT) == named[key] for key in named) for c in there.configurations):
            table = paired(there, reference, metric)
            signs = np.sign(table["difference"].astype(float)) * (1 if lower else -1)
            table["value"], table["side"] = ", ".join(point), signs.map(SIDES)
            alike = [pair in known for pair in zip(table["label"], table["reference"], strict=True)]
            tables.append(table[np.array(alike, bool) & np.isfinite(signs)])
    return pd.concat([table for table in tables[1:] if len(table)] or tables[:1], ignore_index=True).sort_values(
        "label", kind="stable", ignore_index=True
    )


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


def turns(again: pd.DataFrame, keys: Sequence[str], metric: str) -> list[str]:
    """Would the comparison turn at another value? A sentence for each, from the signs of the differences."""
    name, sentences = ", ".join(keys), []
    for (label, reference), rows in again.groupby(["label", "reference"], sort=False):
        sides = {side: of_it["difference"].abs() for side, of_it in rows.groupby("side") if side != "equal"}
        largest = {side: rows.loc[sizes.idxmax()] for side, sizes in sides.items()}
        if len(largest) > 1:
            (side, row), (other, far) = sorted(largest.items(), key=lambda item: item[1].name)
            sentences.append(
                f"At {name} {row['value']} {label} is {by(row)} {side} than {reference}, at {far['value']} {by(far)} "
                f"{other} ({metric}, tuning seeds): the sign turns with {name}."
            )
            continue
        side, values = next(iter(largest), "neither better nor worse"), list(rows["value"])
        where = f"every {name} from {values[0]} to {values[-1]}" if len(values) > 1 else f"{name} {values[0]}"
        sentences.append(
            f"{label} is {side} than {reference} at {where} ({metric}, tuning seeds): the sign does not turn with "
            f"{name}."
        )
    return sentences
