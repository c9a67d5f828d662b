"""The answer of a sweep in words: which configuration, how sure, at what cost. Plain text; one answer per task."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from hourglass.core.text import counted, number, p_value, percent, plus_minus, with_half
from hourglass.report.analysis.claims import APART, CLAIMS, MIXED
from hourglass.report.analysis.measures import Direction, Measures
from hourglass.report.analysis.sign_flip import ALPHA, LEAST_PAIRS, smallest_p
from hourglass.report.analysis.verdicts import EQUIVALENT
from hourglass.report.reading.configurations import Configuration
from hourglass.report.reading.runs import Sweep

Row = dict[str, Any]
SUPPORTED = "Is that claim supported?"


class Fact(NamedTuple):
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


class Rival(NamedTuple):
    """The reference of the best; or, where that is the reference, one that is compared with it."""

    label: str
    verdict: str
    """Key of CLAIMS: what may be claimed of the best"""
    row: Row
    """Of the comparison"""

    @property
    def is_reference(self) -> bool:
        return self.row["reference"] == self.label


def answers(
    sweep: Sweep, board: pd.DataFrame, comparison: pd.DataFrame, metric: str, *, across: bool = False
) -> list[Answer]:
    """One per task, or one over all tasks if the comparison goes `across` them.

    `board` and `comparison` are those of `tables.leaderboard` and `comparison.paired`.
    """
    tasks: dict[str, list[Configuration]] = {}
    for configuration in sweep.configurations:
        tasks.setdefault("" if across else configuration.task, []).append(configuration)
    several, direction = len(tasks) > 1, Measures.of(sweep).direction(metric)
    made = []
    for configurations in tasks.values():
        names = {c.label: (c.method_label or c.task_label) if several else c.label for c in configurations}
        notes = {names[c.label]: c.notes for c in configurations}
        rows = board[board["label"].isin(names)].to_dict("records")
        short = [row | {"label": names[row["label"]]} for row in rows]
        compared = comparison[comparison["label"].isin(names)].replace({"label": names, "reference": names})
        task = configurations[0].task_label if several else ""
        answer = _answer(task, short, compared.to_dict("records"), metric, direction, notes)
        if len(rows) > 1 and math.isfinite(rows[0][metric]) and not _alike(rows, metric):
            answer.best = rows[0]["label"]
        made.append(answer)
    return made or [Answer("", "No run was completed: there is nothing to compare yet")]


def overall(answers: Sequence[Answer], sweep: Sweep) -> str:
    """The headline: that of the only answer; over several tasks who has the best mean in how many of them."""
    if len(answers) == 1:
        return answers[0].headline
    methods = {configuration.label: configuration.method_label for configuration in sweep.configurations}
    wins = Counter(methods[answer.best] for answer in answers if answer.best and methods[answer.best]).most_common(2)
    if not wins:
        return f"{len(answers)} tasks, and nothing to compare within them"
    (best, count), *second = wins
    others = "".join(f", {label} in {times}" for label, times in second)
    return f"{best} has the best mean in {count} of {len(answers)} tasks{others}"


def _answer(
    task: str,
    rows: Sequence[Row],
    compared: Sequence[Row],
    metric: str,
    direction: Direction | None,
    notes: Mapping[str, list[str]],
) -> Answer:
    """`rows` of the leaderboard and of the comparison, of one task; `notes` by label."""
    best, by_label = rows[0], {row["label"]: row for row in rows}
    if not math.isfinite(best[metric]):
        return Answer(task, f"No configuration has a finite {metric}")
    label, value = best["label"], plus_minus(best[metric], best[f"{metric} ±"])
    over, interval = "; ".join([counted(best["n"], "seed"), *notes[label]]), "±" in value
    sentences = [f"{label} reaches {metric} {value}{' (mean and 95 % interval)' * interval} over {over}."]
    rivals = _rivals(list(by_label), compared)
    facts: list[Fact] = []
    if len(rows) > 1 and _alike(rows, metric):
        headline = f"All {len(rows)} are alike: {metric} {value}"
    elif rivals:
        every = len(rivals) == len(rows) - 1
        others = f"the {len(rivals)} {'others' if every else 'that are compared with it'}"
        others = others if len(rivals) > 1 else rivals[0].label
        headline, sentence, facts = _claim(label, rivals, others, metric, direction)
        sentences.append(sentence)
    else:
        headline = f"{metric} {value}" if label == task else f"{label}: {metric} {value}"
        sentences = [f"{'Mean and 95 % interval over' if interval else 'Of'} {over}."]
        sentences.append("There is nothing to compare it with.")
    if (bits := best.get("cost/index_bits", math.nan)) > 0 and not headline.startswith("All"):
        headline += f"; it is given {number(bits)} bits of positions beside the code"
    other = rivals[0].label if rivals else ""
    if notes.get(other):
        sentences.append(f"Of {other}: {'; '.join(notes[other])}.")
    reference = by_label.get(other) if rivals and rivals[0].is_reference else None
    seconds = number(round(best.get("cost/train_seconds", math.nan), 1))
    sentences.append(f"It costs {', '.join(_cost(best, reference))}, and {seconds} seconds of training per run.")
    reached = Fact(f"{metric}, {direction} is better", value, f"{label}, {over}")
    return Answer(task, headline, sentences, [reached, *facts, Fact("Cost", *_cost(best))])


def _alike(rows: Sequence[Row], metric: str) -> bool:
    return math.isclose(rows[0][metric], rows[-1][metric], rel_tol=1e-9)


def _rivals(ranked: Sequence[str], compared: Sequence[Row]) -> list[Rival]:
    """What the first of the `ranked` labels is compared with, the nearest first."""
    best, mirrored = ranked[0], {"better": "worse", "worse": "better"}
    rivals = []
    for row in compared:
        verdict = next(kind for kind in CLAIMS if row["verdict"].startswith(kind))
        if row["label"] == best:
            return [Rival(row["reference"], verdict, row)]
        if row["reference"] == best:
            rivals.append(Rival(row["label"], mirrored.get(verdict, verdict), row))
    return sorted(rivals, key=lambda rival: ranked.index(rival.label))


def _claim(
    best: str, rivals: Sequence[Rival], others: str, metric: str, direction: Direction | None
) -> tuple[str, str, list[Fact]]:
    """(headline, sentences, facts) of the best and its rivals, which are called `others` together."""
    n, pairs = len(rivals), min(rival.row["pairs"] for rival in rivals)
    nearest = next((rival for rival in rivals if math.isfinite(rival.row["difference"])), rivals[0])
    better = [rival.label for rival in rivals if rival.verdict == "better"]
    apart = {what: [rival.label for rival in rivals if rival.verdict in kinds] for what, kinds in APART.items()}
    amount, difference, p = _difference(nearest, n)
    too_few = f"fewer than {LEAST_PAIRS} pairs cannot show anything"
    within, tost = _equivalence(nearest.row)
    seeds = nearest.row["needed"]
    words = {
        "others": others, "metric": metric, "difference": difference, "p": p, "count": len(better), "n": n,
        "end": "lowest" if direction == "lower" else "highest",
        "nearest": f"{difference} ({p}). " if math.isfinite(nearest.row["difference"]) else "",
        "too_few": too_few if pairs < LEAST_PAIRS else nearest.row["verdict"].split(": ")[0],
        "margin": within, "tost": tost, "needed": f" {seeds[0].upper()}{seeds[1:]}." if seeds else "",
        "real": ", so that the difference is real but too small to count" if nearest.row["p_holm"] < ALPHA else "",
        "shown": f"and is better than {'; '.join(better)}" if better else "but is shown to be better than none",
        "apart": " ".join(f"{what}: {'; '.join(labels)}." for what, labels in apart.items() if labels),
    }  # fmt: skip
    claim = CLAIMS[nearest.verdict] if len({rival.verdict for rival in rivals}) == 1 else MIXED
    sentence = claim.sentence.format(**words)
    p_holm = [rival.row["p_holm"] for rival in rivals if math.isfinite(rival.row["p_holm"])]
    sure = f"Holm p {'≤ ' if n > 1 else ''}{p_value(max(p_holm, default=math.nan))}"
    more = f"{sure}; {counted(pairs, 'seed')} can give {p_value(smallest_p(pairs))} at best" if p_holm else sentence
    if claim is CLAIMS[EQUIVALENT]:
        more = f"inside {within}: {tost}"
    facts = [amount] if math.isfinite(nearest.row["difference"]) else []
    facts.append(Fact(SUPPORTED, claim.supported.format(**words), more, claim.mood))
    return f"{best} {claim.headline.format(**words)}", sentence, facts


def _difference(rival: Rival, n: int) -> tuple[Fact, str, str]:
    """The comparison with one of n rivals, the nearest: a fact; the p in words; and
    `On the same 8 seeds it is 0.0009 (12.1 %) above decoder=resize, 95 % interval ±0.0006`."""
    row, seeds, pairs = rival.row, counted(rival.row["pairs"], "seed"), counted(rival.row["pairs"], "pair")
    by, half = with_half(abs(row["difference"]), row["difference ±"])
    share = percent(abs(row["relative"])) if math.isfinite(row["relative"]) else ""
    side, end = ("below", "lower") if row["difference"] < 0 else ("above", "higher")
    amount = f"{by}{f' ({share})' if share else ''} {side}"
    interval = f", 95 % interval ±{half}" if half else ""
    if rival.is_reference:
        term, sentence = f"Against {rival.label}", f"On the same {seeds} it is {amount} {rival.label}{interval}"
    else:
        name = f"the nearest, {rival.label}," if n > 1 else rival.label
        term = f"The nearest, {rival.label}" if n > 1 else rival.label
        sentence = f"On the same {seeds} {name} is {amount} it{interval}"
    fact = Fact(term, f"{share or by} {end}", f"{side} by {by}{f' ± {half}' if half else ''}, {pairs} of seeds")
    return fact, sentence, f"sign-flip p = {p_value(row['p'])}, {p_value(row['p_holm'])} after Holm's correction"


def _equivalence(row: Row) -> tuple[str, str]:
    """(`±0.00018 (5.0 %)`, `p = 0.0021, 0.0042 after Holm's correction`): the margin, and how sure it is kept."""
    share = f" ({percent(row['margin'] / abs(row['reference mean']))})" if math.isfinite(row["relative"]) else ""
    p, p_holm = p_value(row["p_equivalent"]), p_value(row["p_equivalent_holm"])
    return f"±{number(row['margin'])}{share}", f"p = {p}, {p_holm} after Holm's correction"


def _cost(row: Row, other: Row | None = None) -> tuple[str, str]:
    """(parameters, multiply-adds and positions), as far as they are known; held against `other` where they differ."""
    macs, bits = (row.get(f"cost/{name}", math.nan) for name in ("macs_per_image", "index_bits"))
    more = f"{f'{macs / 1e6:,.2f} M' if macs >= 1e6 else number(macs)} multiply-adds per image"
    if other:
        costs = (f"cost/{name}" for name in ("macs_per_image", "macs_fused_per_image"))
        ratios = [row.get(name, math.nan) / other.get(name, math.nan) for name in costs]
        times = [f"{ratio:.2f}" for ratio in ratios if math.isfinite(ratio)]
        if any(abs(ratio - 1) > 0.005 for ratio in ratios):
            more += f" ({times[0]} times those of {other['label']}"
            more += f", {times[1]} times as fused)" if len(set(times)) > 1 else ")"
    if bits > 0:
        more += f", {number(bits)} bits of positions beside the code"
    return f"{number(row.get('cost/num_params'))} parameters", more
