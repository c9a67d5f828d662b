"""The answer of a sweep in words: which configuration, how sure, at what cost. Plain text; one answer a task."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hourglass.report import runs
from hourglass.report.comparison import is_task
from hourglass.report.marks import number, p_value, with_half
from hourglass.report.measures import metric_direction
from hourglass.report.runs import Sweep
from hourglass.report.stats import LEAST_PAIRS

Row = dict[str, Any]


@dataclass(frozen=True)
class Fact:
    term: str
    value: str
    more: str
    mood: str = ""
    """good, warn or bad where the value is one of these"""


@dataclass
class Answer:
    task: str
    """`data=mnist5k, corruption=none`, as far as the sweep has several"""
    headline: str
    sentences: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    best: str | None = None
    """The label of the configuration with the best mean"""


def answers(sweep: Sweep, board: pd.DataFrame, comparison: pd.DataFrame, metric: str) -> list[Answer]:
    """One a task; `board` and `comparison` are those of `tables.leaderboard` and `tables.paired`."""
    tasks: dict[str, dict[str, str]] = {}  # task -> label -> label without the task
    for configuration in runs.configurations(sweep):
        task, how = (
            ", ".join(f"{key}={value}" for key, value in configuration.values.items() if is_task(key) == wanted)
            for wanted in (True, False)
        )
        tasks.setdefault(task, {})[configuration.label] = how or configuration.label
    found = []
    for task, names in tasks.items():
        names = names if len(tasks) > 1 else {label: label for label in names}
        rows = board[board["label"].isin(names)].replace({"label": names}).to_dict("records")
        compared = comparison[comparison["label"].isin(names)].replace({"label": names, "reference": names})
        answer = _answer(task, rows, compared.to_dict("records"), metric)
        answer.best = next((label for label, name in names.items() if name == rows[0]["label"]), None)
        found.append(answer)
    return found or [Answer("", "No run was completed: there is nothing to compare yet")]


def overall(found: Sequence[Answer], sweep: Sweep) -> str:
    """The headline over several tasks: who has the best mean in how many of them."""
    how = {
        configuration.label: ", ".join(f"{k}={v}" for k, v in configuration.values.items() if not is_task(k))
        for configuration in runs.configurations(sweep)
    }
    wins = Counter(how[answer.best] for answer in found if answer.best and how[answer.best])
    if not wins:
        return f"{len(found)} tasks, an answer for each"
    best, count = wins.most_common(1)[0]
    return f"{best} has the best mean in {count} of {len(found)} tasks"


def _answer(task: str, rows: Sequence[Row], compared: Sequence[Row], metric: str) -> Answer:
    best = rows[0]
    if not math.isfinite(best[metric]):
        return Answer(task, f"No configuration has a finite {metric}")
    label, seeds = best["label"], _counted(best["n"], "seed")
    mean, half = with_half(best[metric], best[f"{metric} ±"])
    value = f"{mean} ± {half}" if half else mean
    direction = f"{metric_direction(metric)} is better"
    interval = " (mean and 95 % interval)" if half else ""
    first = f"{label} reaches {metric} {value}{interval} over {seeds}."
    reached = Fact(f"{metric}, {direction}", value, f"{label}, {seeds}")
    cost = Fact("Cost", f"{number(best['cost/num_params'])} parameters", _cost(best))
    own = next((row for row in compared if row["label"] == label), None)
    against = [row for row in compared if row["reference"] == label]
    if own:
        headline, second, facts = _against_reference(own, metric)
    elif against:
        headline, second, facts = _is_reference(label, against, metric)
    else:
        headline, second, facts = f"{label}: {metric} {value}", "There is nothing to compare it with.", []
    return Answer(task, headline, [first, second, _cost_sentence(best, rows, own)], [reached, *facts, cost])


def _against_reference(row: Row, metric: str) -> tuple[str, str, list[Fact]]:
    """(headline, sentence, facts) where the best is not the reference itself."""
    label, other, verdict = row["label"], row["reference"], row["verdict"]
    if not row["pairs"]:
        headline = f"{label} has the best mean, and no run to compare it with"
        return headline, "No run of the reference has its settings and seeds.", []
    lower = metric_direction(metric) == "lower"
    by, half = with_half(abs(row["difference"]), row["difference ±"])
    interval = f", 95 % interval ±{half}" if half else ""
    relative = f" ({abs(row['relative']):.1%})" if math.isfinite(row["relative"]) else ""
    side = "below" if row["difference"] < 0 else "above"
    p = f"sign-flip p = {p_value(row['p'])}, {p_value(row['p_holm'])} after Holm's correction"
    difference = f"On the same {_counted(row['pairs'], 'seed')} it is {by}{relative} {side} {other}{interval}"
    amount = Fact(
        f"Against {other}",
        f"{abs(row['relative']):.1%} {'lower' if row['difference'] < 0 else 'higher'}"
        if math.isfinite(row["relative"])
        else f"{row['difference']:+.4g}",
        f"{side} by {by}" + (f" ± {half}" if half else "") + f", {_counted(row['pairs'], 'pair')} of seeds",
    )
    least = f"{_counted(row['pairs'], 'seed')} can give {p_value(row['smallest_p'])} at best"
    sure = f"Holm p {p_value(row['p_holm'])}; {least}"
    if verdict == "better":
        fact = Fact("Is that claim supported?", "Yes", sure, "good")
        return f"{label} is better than {other}", f"{difference} ({p}): the claim is supported.", [amount, fact]
    if verdict.startswith("not enough seeds"):
        fact = Fact("Is that claim supported?", "Not enough seeds", sure, "warn")
        need = f"fewer than {LEAST_PAIRS} pairs cannot show anything" if row["pairs"] < LEAST_PAIRS else verdict
        return f"{label} is ahead, but not enough seeds to claim it", f"{difference}: {need}.", [amount, fact]
    fact = Fact("Is that claim supported?", "No", sure, "warn")
    headline = f"{label} has the {'lowest' if lower else 'highest'} mean, but "
    if verdict == "worse":  # the means are over other seeds than the pairs
        return f"{headline}is worse than {other} on the same seeds", f"{difference} ({p}).", [amount, fact]
    headline += f"no difference from {other} is shown"
    return headline, f"{difference} ({p}): that much can come from the seeds alone.", [amount, fact]


def _is_reference(label: str, against: Sequence[Row], metric: str) -> tuple[str, str, list[Fact]]:
    """(headline, sentence, facts) where nothing has a better mean than the reference."""
    n = len(against)
    others = against[0]["label"] if n == 1 else f"all {n} others"
    worse = [row["label"] for row in against if row["verdict"] == "worse"]
    short = [row for row in against if row["verdict"].startswith("not enough")]
    pairs = min(row["pairs"] for row in against)
    sure = f"{_counted(pairs, 'seed')} can give p = {p_value(min(row['smallest_p'] for row in against))} at best"
    if len(worse) == n:
        fact = Fact("Is that claim supported?", "Yes", f"Holm p ≤ {p_value(max(r['p_holm'] for r in against))}", "good")
        return f"{label} is better than {others}", "The differences on the same seeds support it.", [fact]
    if len(short) == n:
        fact = Fact("Is that claim supported?", "Not enough seeds", sure, "warn")
        sentence = f"With {_counted(pairs, 'pair')} of seeds nothing can be claimed."
        return f"{label} is ahead, but not enough seeds to claim it", sentence, [fact]
    rest = [row["label"] for row in against if row["verdict"] not in ("worse", "better")]
    better = [row["label"] for row in against if row["verdict"] == "better"]  # on the seeds that both have
    shown = f"worse is shown of {'; '.join(worse)}" if worse else "no difference is shown"
    fact = Fact("Is that claim supported?", f"Against {len(worse)} of {n}", sure, "warn")
    headline = f"{label} has the best mean; {shown}"
    said = [f"Better than it on the same seeds: {'; '.join(better)}."] if better else []
    said += [f"Not told apart from it on these seeds: {'; '.join(rest)}."] if rest else []
    return headline, " ".join(said), [fact]


def _cost(row: Row, relative: str = "") -> str:
    bits = f", {number(row['cost/index_bits'])} bits of positions beside the code" if row["cost/index_bits"] else ""
    return f"{_millions(row['cost/macs_per_image'])} multiply-adds an image{relative}{bits}"


def _cost_sentence(best: Row, rows: Sequence[Row], own: Row | None) -> str:
    """Parameters, multiply-adds, positions, time; against the reference where there is another one."""
    other = next((row for row in rows if own and row["label"] == own["reference"]), None)
    times = best["cost/macs_per_image"] / other["cost/macs_per_image"] if other else 1.0
    relative = f" ({times:.2f} times those of {other['label']})" if other and abs(times - 1) > 0.005 else ""
    return (
        f"It costs {number(best['cost/num_params'])} parameters, {_cost(best, relative)}, and "
        f"{number(round(best['cost/train_seconds'], 1))} seconds of training a run."
    )


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _millions(value: float) -> str:
    return f"{value / 1e6:,.2f} M" if value >= 1e6 else number(value)
