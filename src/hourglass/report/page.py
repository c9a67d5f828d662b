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

from hourglass.report import figures, images, measures, plots, runs, tables, views
from hourglass.report.answer import answers, overall
from hourglass.report.runs import Configuration, Sweep

MOST_SHOWN = 8
"""Configurations that the figures and pictures show at first: the best, and the references."""
SCRIPTS = ("tables.js", "pictures.js", "figures.js")


@dataclass(frozen=True)
class Pictures:
    sets: dict[str, dict[int, images.Tiles]]
    """same, worst, median, best -> configuration -> tiles of its first run"""
    seeds: dict[int, int]
    shared: dict[str, bool]
    """Are the target, and the input, the same for all?"""
    left_out: int


def write(sweep: Sweep, reference: str | None, metric: str, path: Path) -> None:
    """Write the page; `reference` and `metric` as in `tables.paired`, whose errors it raises."""
    path.write_text(render(sweep, reference, metric), encoding="utf-8")


def render(sweep: Sweep, reference: str | None, metric: str) -> str:
    found = runs.configurations(sweep)
    board = tables.leaderboard(sweep, metric)
    comparison = tables.paired(sweep, reference, metric)
    place = {configuration.label: i for i, configuration in enumerate(found)}
    ranking = [place[label] for label in board["label"]]
    references = dict.fromkeys(place[label] for label in comparison["reference"] if label)
    columns = views.columns(board, metric) if found else []
    drawn = _figures(found, board, metric)
    plotly = _plotly()
    compared, axis = views.compared_rows(comparison, found)
    return _template().render(
        sweep=sweep,
        metric=metric,
        answers=(said := answers(sweep, board, comparison, metric)),
        headline=said[0].headline if len(said) == 1 else overall(said, sweep),
        columns=columns,
        groups={group: of for group in views.GROUPS.values() if (of := [c for c in columns if c.group == group])},
        rows=views.board_rows(board, columns, found, sweep.varied),
        best={place[answer.best] for answer in said if answer.best},
        references=references,
        shown=_shown(ranking, list(references)),
        compared=compared,
        axis=axis,
        pictures=_pictures(found, ranking),
        set_names=images.SETS,
        figures=drawn,
        specifications={figure.id: figure.variants for figure in drawn},
        heats=views.heats(sweep, [column.key for column in columns if column.shown and column.group != "Cost"]),
        provenance=tables.provenance(sweep),
        every_run=[(c.label, run, measures.numbers(run).get(metric)) for c in found for run in c.runs],
        colours=[plots.colour(i) for i in range(len(found))],
        labels=[configuration.label for configuration in found],
        plotly_packed=Markup(base64.b64encode(gzip.compress(plotly.encode(), 9, mtime=0)).decode()),
        plotly_hash=_hash(plotly),
        style=_read("report.css"),
        script=(script := Markup("\n").join(map(_read, SCRIPTS))),
        script_hash=_hash(f"\n{script}\n"),
    )


def _shown(ranking: Sequence[int], references: Sequence[int]) -> set[int]:
    return set(ranking) if len(ranking) <= MOST_SHOWN + 2 else {*ranking[:MOST_SHOWN], *references[:2]}


def _figures(found: Sequence[Configuration], board: Any, metric: str) -> list[plots.Figure]:
    if not found:
        return []
    drawn = (
        figures.cost(found, board, metric),
        figures.curves(found),
        figures.spectra(found),
        figures.robustness(found),
    )
    return [figure for figure in drawn if figure]


def _pictures(found: Sequence[Configuration], ranking: Sequence[int]) -> Pictures | None:
    """The first run of each configuration, best configuration first."""
    examples = {i: kept for i in ranking if (kept := found[i].runs[0].examples()) and len(kept["index"])}
    if not examples:
        return None
    first, others, count = images.fitting(list(examples.values()))
    sets: dict[str, dict[int, images.Tiles]] = {name: {} for name in images.SETS}
    for i in list(examples)[:count]:
        for name, tiles in images.tiles(examples[i], first, others).items():
            if tiles.index:
                sets[name][i] = tiles
    shared = {role: len({tiles.strips[role] for tiles in sets["same"].values()}) == 1 for role in ("target", "input")}
    seeds = {i: found[i].runs[0].seed for i in examples}
    return Pictures({name: of for name, of in sets.items() if of}, seeds, shared, len(examples) - count)


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("hourglass.report", "template"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["breakable"] = _breakable
    return environment.get_template("report.html")


def _breakable(label: str) -> Markup:
    """A label that may go on in the next line behind = and _."""
    return escape(label).replace("=", Markup("=<wbr>")).replace("_", Markup("_<wbr>"))


def _read(name: str) -> Markup:
    """A file of ours, to stand in the page as it is."""
    return Markup((resources.files("hourglass.report") / "template" / name).read_text(encoding="utf-8"))


def _plotly() -> str:
    """Plotly's whole bundle: the Python package ships no smaller one, and compressed it is 1.5 MB."""
    return get_plotlyjs()


def _hash(script: str) -> str:
    """For the page's content security policy: only these scripts run, whatever a file may have smuggled in."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
