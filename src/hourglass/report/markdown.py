"""The report in words: the short answer, and `report.md` to be read or committed beside a result."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from hourglass.report import stats, tables
from hourglass.report.answer import answers
from hourglass.report.marks import p_value, with_half
from hourglass.report.runs import Sweep

KEY_COLUMNS = (
    "test/mse", "test/psnr", "test/ssim", "test/phase_bias_2", "test/flat_field_ripple_1", "ratio/pca", "ratio/wiener",
    "cost/num_params", "cost/macs_per_image", "cost/index_bits", "cost/images_per_second",
)  # fmt: skip
"""Of the leaderboard in `report.md`, where they were measured; `results.csv` has all."""


def write(sweep: Sweep, reference: str | None = None, metric: str = "test/mse") -> str:
    """`report.md`: question, answer, leaderboard, comparison, jobs without a result, provenance."""
    board, comparison = tables.leaderboard(sweep, metric), tables.paired(sweep, reference, metric)
    parts = [f"# {sweep.name}", question(sweep, metric)]
    said = answer(sweep, reference, metric)
    parts.append(f"**Answer.** {said[0]}" if len(said) == 1 else "**Answer.**\n\n" + "\n".join(f"- {a}" for a in said))
    if len(board):
        parts += ["## Leaderboard", leaderboard(board, metric), LEADERBOARD_NOTE, real(board)]
    if len(comparison):
        parts += ["## On the same seeds", paired(comparison, metric), PAIRED_NOTE]
    if sweep.others:
        rows = [[p.id, p.status, " ".join(p.overrides), p.reason] for p in sweep.others]
        parts += ["## Not in these numbers", markdown_table(["id", "status", "overrides", "reason"], rows)]
    parts += ["## Where the numbers come from", provenance(sweep)]
    return "\n\n".join(part for part in parts if part) + "\n"


LEADERBOARD_NOTE = (
    "Mean over the seeds ± half the 95 % t interval. The test images are the same in all runs: how the numbers would "
    "vary with them is not in it. All metrics of every seed are in `results.csv`."
)
PAIRED_NOTE = (
    "Differences of runs with the same seed, which have the same split, order and corruption: mean ± half the 95 % t "
    f"interval; two-sided sign-flip p, exact up to {stats.EXACT_UP_TO} pairs; Holm's correction over the rows of the "
    "same data and corruption. Beside them stands the smallest p that so many pairs can give at all."
)


def question(sweep: Sweep, metric: str) -> str:
    better = f"`{metric}` ({tables.metric_direction(metric)} is better)"
    lost = len(tables.without_result(sweep))
    runs = f"{len(sweep.runs)} completed runs" + (f", {lost} without a result" if lost else "")
    asked = ", ".join(f"`{key}`" for key in sweep.varied)
    return f"**Question.** {f'Which {asked} is best' if asked else 'What is reached'} by {better}? {runs}."


def answer(sweep: Sweep, reference: str | None = None, metric: str = "test/mse") -> list[str]:
    """What is best, and what may be claimed of it: a few sentences for each task."""
    found = answers(sweep, tables.leaderboard(sweep, metric), tables.paired(sweep, reference, metric), metric)
    return [" ".join([f"{a.task}: {a.headline}." if a.task else f"{a.headline}.", *a.sentences]) for a in found]


def with_interval(row: Any, name: str) -> str:
    """`0.00360 ± 0.00019`"""
    mean, half = with_half(row[name], row[f"{name} ±"])
    return f"{mean} ± {half}" if half else mean


def percent(share: float) -> str:
    return f"{100 * share:+.1f} %" if math.isfinite(share) else "–"


def leaderboard(board: pd.DataFrame, metric: str) -> str:
    columns = [name for name in dict.fromkeys((metric, *KEY_COLUMNS)) if name in board]
    header = ["configuration", *(["channels"] if "channels" in board else []), "seeds", *columns]
    rows = [
        [
            row["label"], *([row["channels"]] if "channels" in board else []), str(row["n"]),
            *(with_interval(row, name) for name in columns),
        ]
        for row in board.to_dict("records")
    ]  # fmt: skip
    return markdown_table(header, rows)


def real(board: pd.DataFrame) -> str:
    """What the checkerboard metrics are to be held against, where they stand in the table."""
    references = {name: f"real/{name.removeprefix('test/')}" for name in KEY_COLUMNS if name.startswith("test/")}
    shown = [f"`{name}` {board[real].mean():.3g}" for name, real in references.items() if real in board]
    return f"The real test images themselves have {', '.join(shown)}: the reference, not 0." if shown else ""


def paired(comparison: pd.DataFrame, metric: str) -> str:
    header = ["configuration", "against", "pairs", f"difference of {metric}", "relative", "p", "Holm p", "smallest p"]
    rows = [
        [
            row["label"], row["reference"] or "–", str(row["pairs"]), with_interval(row, "difference"),
            percent(row["relative"]), *(p_value(row[name]) for name in ("p", "p_holm", "smallest_p")), row["verdict"],
        ]
        for row in comparison.to_dict("records")
    ]  # fmt: skip
    return markdown_table([*header, "verdict"], rows)


def provenance(sweep: Sweep) -> str:
    facts = tables.provenance(sweep)
    lines = []
    for invocation in facts["invocations"]:
        git = invocation.get("git")
        commit = f", commit {git['commit'][:12]}{' with changes' if git['dirty'] else ''}" if git else ""
        lines.append(f"`{invocation['command']}` ({invocation['time']}{commit})")
    lines.append(f"seeds {', '.join(map(str, facts['seeds'])) or '–'}")
    lines += [f"{count} × {what}" for key in ("data", "hardware") for what, count in facts[key].items()]
    lines.append(", ".join(f"{package} {' and '.join(found)}" for package, found in facts["versions"].items()))
    lines.append(", ".join(f"{count} {status}" for status, count in facts["statuses"].items()))
    return "\n".join(f"- {line}" for line in lines if line)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    cells = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
