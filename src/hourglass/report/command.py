"""`python report.py`: what can be answered or refused without pandas is, at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hourglass.core.errors import ConfigError

HELP = """python report.py FOLDER [reference=KEY=VALUE] [metric=NAME] [out=FOLDER]

FOLDER      a sweep (logs/sweeps/NAME), a folder of runs (logs/runs), or one run
reference   what the others are compared with, on the same seeds: reference=decoder=resize, or of several keys
            reference=decoder=resize,latent=dense; the first configuration that ran, if not given
metric      by which they are ranked and compared: test/mse if not given; any of summary.json, cost/…, ratio/… (over a
            floor) and gap/… (distance from the real images) too
out         where report.html, report.md, results.csv and evaluations.csv go: FOLDER if not given"""
FILES = ("report.html", "report.md", "results.csv", "evaluations.csv")
"""The last one where `evaluate.py` was run."""
EXTRA = ("pandas", "scipy", "jinja2", "plotly")
"""Packages of the extra `report`."""


@dataclass(frozen=True)
class Request:
    folder: Path
    out: Path
    reference: str | None = None
    metric: str = "test/mse"


def command(arguments: list[str]) -> None:
    """The task of `report.py`: the files and the short answer."""
    if {"--help", "-h"} & set(arguments):
        print(HELP)
        return
    make(understood(arguments))


def make(asked: Request) -> Any:
    """Write the files and print the short answer; the `Review` that is in them."""
    try:
        from hourglass.report import markdown
        from hourglass.report.analysis import tables
        from hourglass.report.analysis.review import review
        from hourglass.report.page import render as page
        from hourglass.report.reading import runs
    except ModuleNotFoundError as error:
        if error.name in EXTRA:
            raise ConfigError(f"a report needs {error.name}: pip install -e '.[report]'") from None
        raise
    reviewed = review(runs.read(asked.folder), asked.reference, asked.metric)
    asked.out.mkdir(parents=True, exist_ok=True)
    html, words, results, evaluated = (asked.out / name for name in FILES)
    words.write_text(markdown.write(reviewed))
    tables.results(reviewed.sweep).to_csv(results, index=False)
    paths = [html, words, results]
    if len(reviewed.evaluated):
        reviewed.evaluated.to_csv(evaluated, index=False)
        paths.append(evaluated)
    page.write(reviewed, html)  # last, for it is the most that can go wrong
    print("\n".join(markdown.answer(reviewed)))
    for problem in reviewed.sweep.others:
        print(f"  {problem.status:<12} {problem.id}  {' '.join(problem.overrides)}  {problem.reason}")
    print("\n".join(f"  {path}" for path in paths))
    return reviewed


def understood(arguments: list[str]) -> Request:
    """The request; raises ConfigError for what the command line cannot mean."""
    keys = ("reference", "metric", "out")
    options: dict[str, str] = {}
    folders: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key in keys:
            if key in options:
                raise ConfigError(f"{key} is given twice: give it once")
            if not value:
                raise ConfigError(f"{argument} has no value: leave it out, or see python report.py --help")
            options[key] = value
        elif argument.startswith("-") or (equals and "/" not in key):
            raise ConfigError(f"{argument}: report.py has no {key}; it takes a folder and {', '.join(keys)}")
        else:
            folders.append(argument)
    if len(folders) != 1:
        raise ConfigError(f"name one folder, not {len(folders)}: python report.py logs/sweeps/NAME")
    folder = Path(folders[0]).expanduser()
    out = Path(options.pop("out", folder)).expanduser()
    return Request(folder, out, **options)
