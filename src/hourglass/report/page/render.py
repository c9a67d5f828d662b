"""`report.html`: one page that needs nothing else, the answer first and the evidence below. No torch."""

import base64
import gzip
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from hourglass.core.colours import ERROR_SCALE
from hourglass.report import html
from hourglass.report.analysis import measures, tables
from hourglass.report.analysis.review import Review
from hourglass.report.page import images, plots, views
from hourglass.report.page.budgets import budgets
from hourglass.report.page.figures import cost, curves
from hourglass.report.page.rates import rates
from hourglass.report.page.robustness import robustness
from hourglass.report.page.spectra import spectra
from hourglass.report.page.tuning import tuning

MOST_SHOWN = 8
"""Configurations that the figures and pictures show at first: the best, and the references."""
FRAMES_BUDGET = 1_500_000
"""Bytes of base64 for the pictures of all epochs"""
SCRIPTS = ("tables.js", "pictures.js", "figures.js")


@dataclass(frozen=True)
class Pictures:
    sets: dict[str, dict[int, images.Tiles]]
    """same, worst, median, best -> configuration -> tiles of one of its runs"""
    seeds: dict[int, int]
    shared: dict[str, bool]
    """Are the target, and the input, the same for all?"""
    left_out: int
    frames: dict[int, list[images.Frame]]
    """Configuration -> what its run made of the same images after some epochs"""

    @property
    def epochs(self) -> list[int]:
        return sorted({frame.epoch for of in self.frames.values() for frame in of})


def render(review: Review) -> str:
    plotly = get_plotlyjs()  # the whole bundle: the package ships no smaller one, and compressed it is 1.5 MB
    beside = ThreadPoolExecutor(1)  # which compressing needs no Python for
    packed = beside.submit(gzip.compress, plotly.encode(), 9, mtime=0)
    ranked = review.ranked
    place = {configuration.label: i for i, configuration in enumerate(ranked)}
    references = list(dict.fromkeys(place[label] for label in review.comparison["reference"] if label))
    columns = views.columns(review)
    tuned = tuning(review.tuned, place, review.measures)
    over = (budgets(review.budgets), *tuned)
    drawn = (*over, rates(review), cost(review), curves(ranked), spectra(ranked), robustness(review)) if ranked else ()
    figures = [figure for figure in drawn if figure]
    pictures = _pictures(review)
    script = Markup("\n").join(html.read(__package__, name) for name in SCRIPTS)
    compared_titles, compared, axis = views.compared_rows(review)
    return _template().render(
        review=review,
        folders=review.folders,
        columns=columns,
        groups={title: [c for c in columns if c.group == group] for group, title in measures.GROUPS.items()},
        glossary=views.glossary(review, columns),
        rows=views.board_rows(review, columns),
        best={place[answer.best] for answer in review.answers if answer.best},
        references=references,
        shown=_shown(list(review.board["task"]) if ranked else [], references),
        compared=compared,
        compared_titles=compared_titles,
        axis=axis,
        pictures=pictures,
        codes=images.code_pictures({i: review.pictured[one.label] for i, one in enumerate(ranked)}),
        set_names=images.SETS,
        frames={i: [asdict(frame) for frame in of] for i, of in pictures.frames.items()} if pictures else {},
        error_scale=ERROR_SCALE,
        figures=figures,
        specifications={figure.id: figure.variants for figure in figures},
        heats=views.heats(review, [column.key for column in columns if column.shown and column.group != "cost"]),
        provenance=tables.provenance(review.sweep),
        every_run=[(c.label, run, measures.numbers(run).get(review.metric)) for c in ranked for run in c.runs],
        colours=[(plots.colour(i), plots.DASHES[plots.dash(i)]) for i in range(len(ranked))],
        labels=[configuration.label for configuration in ranked],
        plotly_packed=base64.b64encode(packed.result()).decode(),
        style=html.read(__package__, "report.css"),
        script=script,
        hashes=[html.hash_of(f"\n{script}\n"), html.hash_of(plotly)],
    )


def _shown(tasks: Sequence[str], references: Sequence[int]) -> set[int]:
    """Of all configurations, by the task of each, the best of every task, and the references."""
    if len(tasks) <= MOST_SHOWN + 2:
        return set(range(len(tasks)))
    each = max(1, MOST_SHOWN // len(set(tasks)))
    return {*(i for i, task in enumerate(tasks) if tasks[:i].count(task) < each), *references[:2]}


def _pictures(review: Review) -> Pictures | None:
    """One run of each configuration, best configuration first."""
    runs = [review.pictured[configuration.label] for configuration in review.ranked]
    examples = {i: kept for i, run in enumerate(runs) if (kept := run.examples()) and len(kept["index"])}
    if not examples:
        return None
    first, others, count = images.fitting(list(examples.values()))
    sets: dict[str, dict[int, images.Tiles]] = {name: {} for name in images.SETS}
    for i in list(examples)[:count]:
        for name, tiles in images.tiles(examples[i], first, others).items():
            sets[name][i] = tiles
    shared = {role: len({tiles.strips[role] for tiles in sets["same"].values()}) == 1 for role in ("target", "input")}
    frames: dict[int, list[images.Frame]] = {}
    left = FRAMES_BUDGET
    for i in list(sets["same"])[:MOST_SHOWN]:
        of_run = images.frames(runs[i], examples[i], len(sets["same"][i].index))
        left -= sum(len(frame.output) + len(frame.error) for frame in of_run)
        if left < 0:
            break
        frames |= {i: of_run} if of_run else {}
    return Pictures(sets, {i: runs[i].seed for i in examples}, shared, len(examples) - count, frames)


def _template() -> Any:
    environment = html.environment(__package__)
    environment.filters["breakable"] = _breakable
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False}  # NaN is no JSON
    return environment.get_template("report.html")


def _breakable(label: str) -> Markup:
    """A label that goes on in the next line between its parts, and behind = and _ where a part alone is too long."""
    parts = label.replace(", ", ",\n").split("\n")
    broken = [escape(part).replace("=", Markup("=<wbr>")).replace("_", Markup("_<wbr>")) for part in parts]
    return Markup(" ").join(Markup('<span class="part">{}</span>').format(part) for part in broken)
