"""What `python report.py` is asked for. No pandas in here."""

import os
from dataclasses import dataclass
from pathlib import Path

from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import command

HELP = f"""{command("report")} FOLDER … [reference=KEY=VALUE] [metric=NAME] [equivalent_within=MARGIN]
    [out=FOLDER]

FOLDER             a sweep (logs/sweeps/NAME), a folder of runs (logs/runs), or one run; several are compared in
                   one report, which says what they share and what differs
reference          what the others are compared with, on the same seeds: reference=decoder=resize, or of several
                   keys reference=decoder=resize,latent=dense
metric             by which they are ranked and compared: any of summary.json, cost/…, ratio/… (to a baseline) and
                   gap/… (distance from the real images) too
equivalent_within  differences that count as none: 5 % of the mean of the reference, or 0.1 dB
out                where report.html, report.md, results.csv and evaluations.csv go: FOLDER if not given; for several
                   logs/reports/ and their names

What is not given is as the sweep declares it (primary=, reference=, equivalent_within=), else reference is the first
configuration that ran, and metric is test/mse."""
REPORTS = Path("logs/reports")
"""Where reports of several folders go"""
LONGEST = 100
"""Characters of the name of such a report"""
OPTIONS = ("reference", "metric", "equivalent_within", "out")


@dataclass(frozen=True)
class Request:
    folder: Path
    out: Path
    reference: str | None = None
    metric: str | None = None
    equivalent_within: str | None = None
    more: tuple[Path, ...] = ()
    """Folders that are compared with the first one"""


def parse(arguments: list[str]) -> Request:
    """The request; raises ConfigError for what the command line cannot mean."""
    options: dict[str, str] = {}
    folders: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if os.path.isdir(argument):  # whatever signs its name holds, and however many
            folders.append(argument)
        elif equals and key in OPTIONS:
            if key in options:
                raise ConfigError(f"{key} is given twice: give it once")
            if not value:
                raise ConfigError(f"{argument} has no value: leave it out, or see {command('report')} --help")
            options[key] = value
        elif argument.startswith("-") or (equals and "/" not in key):
            raise ConfigError(
                f"{argument}: {command('report')} has no {key}; it takes a folder and {', '.join(OPTIONS)}"
            )
        else:
            folders.append(argument)
    if not folders:
        raise ConfigError(f"name a folder: {command('report')} logs/sweeps/NAME")
    folder, *more = map(expanded, folders)
    places = [path.resolve() for path in (folder, *more)]
    if twice := next((path for n, path in enumerate((folder, *more)) if places[n] in places[:n]), None):
        raise ConfigError(f"{twice} is given twice: give it once")
    out = REPORTS / "+".join(path.name for path in places)[:LONGEST].strip(". ") if more else folder
    return Request(folder, expanded(options.pop("out", out)), **options, more=tuple(more))
