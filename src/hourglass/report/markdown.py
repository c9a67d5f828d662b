"""The report in words: the short answer, and `report.md` to be read or committed beside a result."""

import re
from collections.abc import Iterable, Sequence

from hourglass.core.text import command, p_value, percent, plus_minus, r_value, span
from hourglass.report.analysis import sign_flip, tables
from hourglass.report.analysis.budgets import COLUMNS as BUDGETS
from hourglass.report.analysis.folders import Folders
from hourglass.report.analysis.measures import KEY_NUMBERS
from hourglass.report.analysis.review import Review
from hourglass.report.analysis.tuning import AGAIN, CURVE
from hourglass.report.reading import evaluations
from hourglass.report.reading.configurations import is_task
from hourglass.report.reading.runs import Sweep

LEADERBOARD_NOTE = (
    "Mean over the seeds ± half the 95 % t interval; costs are means alone, and latency and peak memory the least of "
    "the runs, since other work on the machine only raises them. All metrics of every seed are in `results.csv`."
)
PAIRED_NOTE = (
    "Differences of runs with the same seed, which have the same split, order and corruption: mean ± half the 95 % t "
    f"interval; r, the correlation of the pairs; two-sided sign-flip p, exact up to {sign_flip.EXACT_UP_TO} pairs; "
    "Holm's correction over all comparisons of the sweep, whatever their data or corruption. The smallest p is what "
    "this many pairs can give."
)
EQUIVALENT_NOTE = (
    "Equivalent: the difference lies within the margin, by two one-sided t tests, whose p is the last one. "
    "Not shown: neither a difference nor its absence."
)


def write(review: Review) -> str:
    """`report.md`: question, answer, leaderboard, comparison, evaluations, jobs without a result, provenance."""
    sweep, board, answers = review.sweep, review.board, [plain(text) for text in answer(review)]
    several = "\n\n" + "\n".join(f"- {text}" for text in answers)
    parts = [
        f"# {plain(sweep.name)}",
        question(review),
        plain(review.standing),
        f"**Answer.**{f' {answers[0]}' if len(answers) == 1 else several}",
    ]
    parts += [f"- {plain(text)}" for text in review.beside]
    if review.folders:
        parts += ["## What is compared", *compared(review.folders)]
    if len(board):
        parts += ["## Leaderboard", leaderboard(review), LEADERBOARD_NOTE, test_images(sweep), real(review)]
    if len(review.comparison):
        note = f"{PAIRED_NOTE} {EQUIVALENT_NOTE}" if review.equivalent_within else PAIRED_NOTE
        parts += ["## On the same seeds", paired(review), note, plain(" ".join(review.remarks))]
    if review.tuned:
        parts += ["## Tuning", markdown_table(CURVE, review.tuned.curve_rows())]
        parts += [markdown_table(AGAIN, review.tuned.again_rows())] if len(review.tuned.again) else []
    if review.budgets:
        parts += ["## Over the budget", markdown_table(BUDGETS, review.budgets.rows())]
    if len(review.evaluated):
        parts += ["## Under other corruption", *other_corruption(review)]
    if sweep.others:
        rows = [[p.id, p.status, " ".join(p.overrides), p.reason] for p in sweep.others]
        parts += ["## Not in these numbers", markdown_table(["id", "status", "overrides", "reason"], rows)]
    parts += ["## Where the numbers come from", provenance(review)]
    return "\n\n".join(part for part in parts if part) + "\n"


def question(review: Review) -> str:
    """What was asked of the sweep: what was varied apart from the task, and how much of it has a result."""
    sweep, metric = review.sweep, review.metric
    method, task = (
        ", ".join(code(key) for key in sweep.varied if is_task(key, sweep.tasks) == wanted) for wanted in (False, True)
    )
    which = f"Which {method} is best" if method else "What is reached"
    each = f", for each {task}," if task else ""
    lost = f", {len(sweep.lost)} without a result" if sweep.lost else ""
    nothing = "".join(f" No run was completed for {plain(what)}." for what in sweep.without_runs)
    role = f"{review.role}, " if review.role else ""
    better = f"{code(metric)} ({role}{review.measures.direction(metric)} is better)"
    return f"**Question.** {which}{each} by {better}? {len(sweep.runs)} completed runs{lost}.{nothing}"


def answer(review: Review) -> list[str]:
    """What is best, and what may be claimed of it: a few sentences for each task."""
    return [
        " ".join([f"{a.task}: {a.headline}." if a.task else f"{a.headline}.", *a.sentences]) for a in review.answers
    ]


def compared(folders: Folders) -> list[str]:
    """What the folders of a report share, and what differs between them."""
    shared = ", ".join(f"{what} ({plain(value)})" for what, value in folders.shared.items())
    same = [f"All have the same {shared}."] if shared else []
    table = markdown_table(["what differs", *folders.names], folders.rows)
    return [table, plain(" ".join([*same, *folders.sentences, "What is not in the table is configured alike."]))]


def leaderboard(review: Review) -> str:
    board = review.board
    columns = tables.key_columns(board, review.metric, review.measures)
    notes = ["; ".join(configuration.notes) for configuration in review.ranked]
    widths = [name for name in ("channels", "decoder.channels") if name in board]
    noted = ["notes"] if any(notes) else []
    rows = [
        [
            row["label"], *(row[name] for name in widths), row["n"], *([note] if noted else []),
            *(plus_minus(row[name], 0 if name.startswith("cost/") else row[f"{name} ±"]) for name in columns),
        ]
        for row, note in zip(board.to_dict("records"), notes, strict=True)
    ]  # fmt: skip
    return markdown_table(["configuration", *widths, "seeds", *noted, *columns], rows)


def test_images(sweep: Sweep) -> str:
    """Whether the intervals hold the spread over test images too."""
    sets: dict[str, set[str]] = {}  # task -> fingerprints
    for configuration in sweep.configurations:
        for run in configuration.runs:
            sets.setdefault(configuration.task, set()).add(run.data.get("fingerprint", ""))
    if any("" in of_task for of_task in sets.values()):
        return ""  # not recorded
    own = dict.fromkeys(c.runs[0].choices.get("data", "") for c in sweep.configurations if len(sets[c.task]) > 1)
    sentences = []
    if own:
        own_images = f"With data={plain(' and '.join(own))} every seed has images of its own"
        sentences.append(f"{own_images}: the intervals include their spread too.")
    if any(len(of_task) == 1 for of_task in sets.values()):
        where, of_task = "Elsewhere the" if own else "The", " of a task" if len(sets) > 1 else ""
        same_images = f"{where} test images are the same in all runs{of_task}"
        sentences.append(f"{same_images}: the intervals do not include how the numbers would vary with others.")
    return " ".join(sentences)


def real(review: Review) -> str:
    """What the checkerboard metrics are to be held against, where they stand in the table."""
    board, real_name = review.board, review.measures.real_name
    shown = [f"`{name}` {span(board[real_name(name)])}" for name in KEY_NUMBERS if real_name(name) in board]
    return f"The real test images themselves have {', '.join(shown)}: the reference, not 0." if shown else ""


def paired(review: Review) -> str:
    columns = ["p", "p_holm", "smallest_p", *(["p_equivalent_holm"] if review.equivalent_within else [])]
    named = {"p": "p", "p_holm": "Holm p", "smallest_p": "smallest p", "p_equivalent_holm": "Holm p of equivalence"}
    header = ["configuration", "against", "pairs", f"difference of {review.metric}", "relative", "r"]
    rows = [
        [
            row["label"], row["reference"] or "–", row["pairs"],
            plus_minus(row["difference"], row["difference ±"]), percent(row["relative"], signed=True),
            r_value(row["r"]), *(p_value(row[name]) for name in columns), row["verdict"],
        ]
        for row in review.comparison.to_dict("records")
    ]  # fmt: skip
    return markdown_table([*header, *(named[name] for name in columns), "verdict"], rows)


def other_corruption(review: Review) -> list[str]:
    """A row per configuration, a column per corruption: the mean gain in dB, or PSNR where nothing has a gain."""
    metric = next((name for name in ("test/psnr_gain", "test/psnr") if name in review.evaluated), None)
    if metric is None:
        return ["`evaluations.csv` has what was measured."]
    measured = review.evaluated.dropna(subset=[metric])
    columns = list(dict.fromkeys(evaluations.in_order(measured)["on"]))
    means = measured.groupby(["label", "on"])[metric].mean()
    rows = [
        [c.label, *(f"{means[c.label, on]:+.1f}" if (c.label, on) in means.index else "–" for on in columns)]
        for c in review.ranked
        if c.label in set(measured["label"])
    ]
    what = "PSNR minus that of the corrupted input, dB" if metric == "test/psnr_gain" else "PSNR, dB"
    note = f"mean over the seeds, from `{command('evaluate')}`. `evaluations.csv` has every run, and other metrics."
    return [markdown_table(["configuration", *columns], rows), f"{what}: {note}"]


def provenance(review: Review) -> str:
    facts = tables.provenance(review.sweep)
    lines = [f"this report: {code(review.command)}"]
    for invocation in facts["invocations"]:
        git = invocation.get("git")
        commit = f", commit {git['commit'][:12]}{' with changes' if git['dirty'] else ''}" if git else ""
        lines.append(f"{code(invocation['command'])} ({plain(invocation['time'] + commit)})")
    lines.append(f"seeds {', '.join(map(str, facts['seeds'])) or '–'}")
    lines += [f"{count} × {plain(what)}" for key in ("data", "hardware") for what, count in facts[key].items()]
    packages = [f"{package} {' and '.join(versions)}" for package, versions in facts["versions"].items()]
    lines.append(plain(", ".join(packages)))
    lines.append(", ".join(f"{count} {status}" for status, count in facts["statuses"].items()))
    return "\n".join(f"- {line}" for line in lines if line)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(plain, line))} |" for line in lines)


def plain(text: object) -> str:
    """A text of others on one line, in which nothing is code, a link, HTML or the end of a cell.

    GitHub makes links of bare addresses too, but of none whose sign is written as an entity.
    """
    line = " ".join(str(text).split())
    line = re.sub(
        r"(?i)(\bwww)\.|(\w):(?=//)", lambda match: f"{match[1]}&#46;" if match[1] else f"{match[2]}&#58;", line
    )
    escaped = re.sub(r"[\\`|]|](?=[(\[:])", lambda match: f"\\{match[0]}", line)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", escaped)


def code(text: str) -> str:
    """A text of others as code, whatever it holds."""
    line = " ".join(text.split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence}{line}{fence}" if len(fence) == 1 else f"{fence} {line} {fence}"
