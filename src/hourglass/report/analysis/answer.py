"""The answer of a sweep in words: which configuration, how sure, at what cost. Plain text; one answer a task."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hourglass.report.analysis.measures import metric_direction
from hourglass.report.analysis.stats import LEAST_PAIRS
from hourglass.report.page.marks import counted, number, p_value, percent, plus_minus, with_half
from hourglass.report.reading.configurations import Configuration
from hourglass.report.reading.runs import Sweep

Row = dict[str, Any]
SUPPORTED = "Is that claim supported?"


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
    """`data=mnist5k, corruption=none`, where there are several"""
    headline: str
    sentences: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    best: str | None = None
    """The label of the configuration whose mean is better than another's"""


def answers(
    sweep: Sweep, board: pd.DataFrame, comparison: pd.DataFrame, metric: str, *, across: bool = False
) -> list[Answer]:
    """One a task, or one over all tasks if the comparison goes `across` them.

    `board` and `comparison` are those of `tables.leaderboard` and `comparison.paired`.
    """
    tasks: dict[str, list[Configuration]] = {}
    for configuration in sweep.configurations:
        tasks.setdefault("" if across else configuration.task, []).append(configuration)
    found = []
    for those in tasks.values():
        names = {c.label: (c.method_label or c.task_label) if len(tasks) > 1 else c.label for c in those}
        notes = {names[c.label]: c.notes for c in those}
        rows = board[board["label"].isin(names)].to_dict("records")
        compared = comparison[comparison["label"].isin(names)].replace({"label": names, "reference": names})
        short = [row | {"label": names[row["label"]]} for row in rows]
        answer = _answer(
            those[0].task_label if len(tasks) > 1 else "", short, compared.to_dict("records"), metric, notes
        )
        if len(rows) > 1 and math.isfinite(rows[0][metric]) and not _alike(rows, metric):
            answer.best = rows[0]["label"]
        found.append(answer)
    return found or [Answer("", "No run was completed: there is nothing to compare yet")]


def overall(found: Sequence[Answer], sweep: Sweep) -> str:
    """The headline: that of the only answer; over several tasks who has the best mean in how many of them."""
    if len(found) == 1:
        return found[0].headline
    how = {configuration.label: configuration.method_label for configuration in sweep.configurations}
    wins = Counter(how[answer.best] for answer in found if answer.best and how[answer.best]).most_common(2)
    if not wins:
        return f"{len(found)} tasks, and nothing to compare within them"
    (best, count), *second = wins
    others = "".join(f", {label} in {times}" for label, times in second)
    return f"{best} has the best mean in {count} of {len(found)} tasks{others}"


def _answer(
    task: str, rows: Sequence[Row], compared: Sequence[Row], metric: str, notes: Mapping[str, list[str]]
) -> Answer:
    best = rows[0]
    if not math.isfinite(best[metric]):
        return Answer(task, f"No configuration has a finite {metric}")
    label, seeds = best["label"], counted(best["n"], "seed")
    value = plus_minus(best[metric], best[f"{metric} ±"])
    interval = " (mean and 95 % interval)" if "±" in value else ""
    lost = "".join(f"; {note}" for note in notes[label])
    first = f"{label} reaches {metric} {value}{interval} over {seeds}{lost}."
    reached = Fact(
        f"{metric}, {metric_direction(metric)} is better", value, "; ".join([f"{label}, {seeds}", *notes[label]])
    )
    own = next((row for row in compared if row["label"] == label), None)
    against = [row for row in compared if row["reference"] == label]
    against.sort(key=lambda row: [r["label"] for r in rows].index(row["label"]))  # the nearest first
    other = own["reference"] if own else against[0]["label"] if against else ""
    cost = next((row for row in rows if own and row["label"] == own["reference"]), None)
    facts: list[Fact] = []
    if len(rows) > 1 and _alike(rows, metric):
        headline, second = f"All {len(rows)} are alike: {metric} {value}", ""
    elif own:
        headline, second, facts = _against_reference(own, metric)
    elif against:
        headline, second, facts = _is_reference(label, against, every=len(against) == len(rows) - 1)
    else:
        headline = f"{metric} {value}" if label == task else f"{label}: {metric} {value}"
        first = f"{'Mean and 95 % interval over' if interval else 'Of'} {seeds}{lost}."
        second = "There is nothing to compare it with."
    of_other = f"Of {other}: {'; '.join(notes[other])}." if notes.get(other) else ""
    sentences = [first, second, of_other, _cost_sentence(best, cost)]
    facts = [reached, *facts, Fact("Cost", *_cost(best))]
    return Answer(task, headline, [sentence for sentence in sentences if sentence], facts)


def _alike(rows: Sequence[Row], metric: str) -> bool:
    return math.isclose(rows[0][metric], rows[-1][metric], rel_tol=1e-9)


def _against_reference(row: Row, metric: str) -> tuple[str, str, list[Fact]]:
    """(headline, sentence, facts) where the best is not the reference itself."""
    label, other, verdict = row["label"], row["reference"], row["verdict"]
    end = "lowest" if metric_direction(metric) == "lower" else "highest"
    if not row["pairs"]:
        headline = f"{label} has the {end} mean, and no run to compare it with"
        return headline, "No run of the reference has its settings and seeds.", []
    if verdict.startswith("not finite"):
        fact = Fact(SUPPORTED, "Cannot be told", f"{other} is not finite on every seed", "warn")
        said = f"On some of the same seeds {other} has no finite {metric}, so no difference can be told."
        return f"{label} has the {end} mean, and {other} none to compare it with", said, [fact]
    amount, by, interval, p = _difference(row, f"Against {other}")
    said = f"On the same {counted(row['pairs'], 'seed')} it is {by} {other}{interval}"
    least = f"{counted(row['pairs'], 'seed')} can give {p_value(row['smallest_p'])} at best"
    sure = f"Holm p {p_value(row['p_holm'])}; {least}"
    if verdict == "better":
        fact = Fact(SUPPORTED, "Yes", sure, "good")
        return f"{label} is better than {other}", f"{said} ({p}): the claim is supported.", [amount, fact]
    if verdict.startswith("not enough seeds"):
        fact = Fact(SUPPORTED, "Not enough seeds", sure, "warn")
        need = f"fewer than {LEAST_PAIRS} pairs cannot show anything" if row["pairs"] < LEAST_PAIRS else verdict
        return f"{label} is ahead, but not enough seeds to claim it", f"{said}: {need}.", [amount, fact]
    fact = Fact(SUPPORTED, "No", sure, "warn")
    if verdict == "worse":  # the means are over other seeds than the pairs
        headline = f"{label} has the {end} mean, but is worse than {other} on the same seeds"
        return headline, f"{said} ({p}).", [amount, fact]
    headline = f"{label} has the {end} mean, but no difference from {other} is shown"
    return headline, f"{said} ({p}): that much can come from the seeds alone.", [amount, fact]


def _is_reference(label: str, against: Sequence[Row], *, every: bool) -> tuple[str, str, list[Fact]]:
    """(headline, sentence, facts) where nothing has a better mean than the reference; the nearest comes first.

    `every`: is it the reference of all others?
    """
    n, said = len(against), []
    facts: list[Fact] = []
    others = against[0]["label"] if n == 1 else f"all {n} others" if every else f"the {n} compared with it"
    nearest = next((row for row in against if math.isfinite(row["difference"])), None)
    if nearest:
        which = nearest["label"] if n == 1 else f"the nearest, {nearest['label']},"
        amount, by, interval, p = _difference(nearest, f"{'The nearest, ' if n > 1 else ''}{nearest['label']}")
        facts.append(amount)
        said.append(f"On the same {counted(nearest['pairs'], 'seed')} {which} is {by} it{interval} ({p}).")
    verdicts = {row["label"]: row["verdict"] for row in against}
    worse, better = ([name for name, verdict in verdicts.items() if verdict == word] for word in ("worse", "better"))
    pairs = min(row["pairs"] for row in against)
    sure = f"{counted(pairs, 'seed')} can give p = {p_value(min(row['smallest_p'] for row in against))} at best"
    if len(worse) == n:
        sure = f"Holm p ≤ {p_value(max(row['p_holm'] for row in against))}"
        return f"{label} is better than {others}", " ".join(said), [*facts, Fact(SUPPORTED, "Yes", sure, "good")]
    if all(verdict.startswith("not enough seeds") for verdict in verdicts.values()):
        said.append(f"With {counted(pairs, 'pair')} of seeds nothing can be claimed.")
        fact = Fact(SUPPORTED, "Not enough seeds", sure, "warn")
        return f"{label} is ahead, but not enough seeds to claim it", " ".join(said), [*facts, fact]
    shown = f"worse is shown of {'; '.join(worse)}" if worse else "no difference is shown"
    apart = [name for name, verdict in verdicts.items() if verdict.startswith(("not enough seeds", "no difference"))]
    neither = [name for name in verdicts if name not in (*worse, *better, *apart)]
    parts = {"Better than it on the same seeds": better, "Not told apart from it on these seeds": apart}
    parts["Not compared, without pairs or finite values"] = neither
    said += [f"{what}: {'; '.join(names)}." for what, names in parts.items() if names]
    fact = Fact(SUPPORTED, f"Against {len(worse)} of {n}", sure, "warn")
    return f"{label} has the best mean; {shown}", " ".join(said), [*facts, fact]


def _difference(row: Row, term: str) -> tuple[Fact, str, str, str]:
    """(fact, `0.0009 (12.1 %) above`, `, 95 % interval ±0.0006`, `sign-flip p = …`) of one comparison."""
    by, half = with_half(abs(row["difference"]), row["difference ±"])
    share = f"{percent(abs(row['relative']))}" if math.isfinite(row["relative"]) else ""
    side, end = ("below", "lower") if row["difference"] < 0 else ("above", "higher")
    more = f"{side} by {by}{f' ± {half}' if half else ''}, {counted(row['pairs'], 'pair')} of seeds"
    interval = f", 95 % interval ±{half}" if half else ""
    p = f"sign-flip p = {p_value(row['p'])}, {p_value(row['p_holm'])} after Holm's correction"
    return Fact(term, f"{share or by} {end}", more), f"{by}{f' ({share})' if share else ''} {side}", interval, p


def _cost(row: Row) -> tuple[str, str]:
    """(parameters, multiply-adds and positions), as far as they are known."""
    known = {name: row.get(f"cost/{name}", math.nan) for name in ("num_params", "macs_per_image", "index_bits")}
    more = [f"{_millions(known['macs_per_image'])} multiply-adds an image"]
    if known["index_bits"] > 0:
        more.append(f"{number(known['index_bits'])} bits of positions beside the code")
    return f"{number(known['num_params'])} parameters", ", ".join(more)


def _cost_sentence(best: Row, other: Row | None) -> str:
    """Parameters, multiply-adds, positions, time; against the reference where there is another one."""
    parameters, more = _cost(best)
    mine, theirs = (row.get("cost/macs_per_image", math.nan) for row in (best, other or best))
    if other and abs(mine / theirs - 1) > 0.005:
        more = more.replace("an image", f"an image ({mine / theirs:.2f} times those of {other['label']})", 1)
    seconds = number(round(best.get("cost/train_seconds", math.nan), 1))
    return f"It costs {parameters}, {more}, and {seconds} seconds of training a run."


def _millions(value: float) -> str:
    return f"{value / 1e6:,.2f} M" if value >= 1e6 else number(value)
