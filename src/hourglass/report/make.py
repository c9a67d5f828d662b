"""From a folder of runs to the files of its report."""

from typing import Any

import pandas as pd

from hourglass.core.files import replacing
from hourglass.report import markdown
from hourglass.report.analysis import tables
from hourglass.report.analysis.review import Review, review
from hourglass.report.page import render
from hourglass.report.reading import runs
from hourglass.report.request import Request

FILES = ("report.html", "report.md", "results.csv", "evaluations.csv")
"""In the order in which they are named; the last one where `evaluate` was run."""


def make(request: Request) -> Review:
    """Write the files, print the short answer, and return what is in them."""
    sweep = runs.read(request.folder, *request.more)
    reviewed = review(sweep, request.reference, request.metric, request.equivalent_within)
    out = request.out
    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "report.md": markdown.write(reviewed),
        "results.csv": as_csv(tables.results(reviewed.sweep)),
    }
    if len(reviewed.evaluated):
        contents["evaluations.csv"] = as_csv(reviewed.evaluated)
    contents["report.html"] = render.render(reviewed)  # last, because most can go wrong there
    for name, content in contents.items():
        with replacing(out / name) as path:  # not through a link that lies there
            path.write_text(content, encoding="utf-8")
    print("\n".join(" ".join(text.split()) for text in [*markdown.answer(reviewed), *reviewed.beside]))
    for problem in reviewed.sweep.others:
        words = " ".join([*problem.overrides, problem.reason])
        print(f"  {problem.status:<12} {problem.id}  {' '.join(words.split())}")
    print("\n".join(f"  {out / name}" for name in sorted(contents, key=list(FILES).index)))
    return reviewed


def as_csv(table: pd.DataFrame) -> str:
    """In which no text is a formula to a spreadsheet: it gets an apostrophe in front."""
    return table.rename(columns=_as_text).map(_as_text).to_csv(index=False)


def _as_text(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
