"""`report.html`: one page that needs nothing else, the answer first and the evidence below. No torch."""

import base64
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from hourglass.report.analysis import measures, tables
from hourglass.report.analysis.review import Review
from hourglass.report.page import images, plots, views
from hourglass.report.page.figures import cost, curves
from hourglass.report.page.robustness import robustness
from hourglass.report.page.spectra import spectra

MOST_SHOWN = 8
"""Configurations that the figures and pictures show at first: the best, and the references."""
SCRIPTS = ("tables.js", "pictures.js", "figures.js")


@dataclass(frozen=True)
class Pictures:
    sets: dict[str, dict[int, images.Tiles]]
    """same, worst, median, best -> configuration -> tiles of one of its runs"""
    seeds: dict[int, int]
    shared: dict[str, bool]
    """Are the target, and the input, the same for all?"""
    left_out: int


def write(review: Review, path: Path) -> None:
    """Write the page."""
    path.write_text(render(review), encoding="utf-8")


def render(review: Review) -> str:
    sweep, found = review.sweep, review.ranked
    place = {configuration.label: i for i, configuration in enumerate(found)}
    references = dict.fromkeys(place[label] for label in review.comparison["reference"] if label)
    columns = views.columns(review)
    drawn = _figures(review)
    plotly = _plotly()
    compared, axis = views.compared_rows(review)
    return _template().render(
        review=review,
        sweep=sweep,
        metric=review.metric,
        columns=columns,
        groups={
            name: of for group, name in measures.GROUPS.items() if (of := [c for c in columns if c.group == group])
        },
        glossary=views.glossary(columns),
        rows=views.board_rows(review, columns),
        best={place[answer.best] for answer in review.answers if answer.best},
        references=references,
        shown=_shown(list(review.board["task"]) if found else [], list(references)),
        compared=compared,
        axis=axis,
        pictures=_pictures(review),
        set_names=images.SETS,
        figures=drawn,
        specifications={figure.id: figure.variants for figure in drawn},
        heats=views.heats(review, [column.key for column in columns if column.shown and column.group != "cost"]),
        provenance=tables.provenance(sweep),
        every_run=[(c.label, run, measures.numbers(run).get(review.metric)) for c in found for run in c.runs],
        colours=[plots.colour(i) for i in range(len(found))],
        edges=[plots.DASHES[plots.dash(i)] for i in range(len(found))],
        labels=[configuration.label for configuration in found],
        plotly_packed=Markup(base64.b64encode(gzip.compress(plotly.encode(), 9, mtime=0)).decode()),
        plotly_hash=_hash(plotly),
        style=_read("report.css"),
        script=(script := Markup("\n").join(map(_read, SCRIPTS))),
        script_hash=_hash(f"\n{script}\n"),
    )


def _shown(tasks: Sequence[str], references: Sequence[int]) -> set[int]:
    """Of all configurations, by the task of each, the best of every task, and the references."""
    if len(tasks) <= MOST_SHOWN + 2:
        return set(range(len(tasks)))
    each = max(1, MOST_SHOWN // len(set(tasks)))
    return {*(i for i, task in enumerate(tasks) if tasks[:i].count(task) < each), *references[:2]}


def _figures(review: Review) -> list[plots.Figure]:
    found = review.ranked
    if not found:
        return []
    drawn = (cost(review), curves(found), spectra(found), robustness(review))
    return [figure for figure in drawn if figure]


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
            if tiles.index:
                sets[name][i] = tiles
    shared = {role: len({tiles.strips[role] for tiles in sets["same"].values()}) == 1 for role in ("target", "input")}
    seeds = {i: runs[i].seed for i in examples}
    return Pictures({name: of for name, of in sets.items() if of}, seeds, shared, len(examples) - count)


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("hourglass.report", "template"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["breakable"] = _breakable
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False}  # NaN is no JSON
    return environment.get_template("report.html")


def _breakable(label: str) -> Markup:
    """A label that goes on in the next line between its parts, and behind = and _ where a part alone is too long."""
    parts = label.replace(", ", ",\n").split("\n")
    broken = [escape(part).replace("=", Markup("=<wbr>")).replace("_", Markup("_<wbr>")) for part in parts]
    return Markup(" ").join(Markup('<span class="part">{}</span>').format(part) for part in broken)


def _read(name: str) -> Markup:
    """A file of ours, to stand in the page as it is."""
    return Markup((resources.files("hourglass.report") / "template" / name).read_text(encoding="utf-8"))


def _plotly() -> str:
    """Plotly's whole bundle: the Python package ships no smaller one, and compressed it is 1.5 MB."""
    return get_plotlyjs()


def _hash(script: str) -> str:
    """For the page's content security policy: only these scripts run, whatever a file may have smuggled in."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
