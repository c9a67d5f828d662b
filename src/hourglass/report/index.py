"""`logs/index.html`: a page that leads to every report and every run. No pandas, no torch, no script.

Nothing is opened but each `summary.json`, and links are not followed; names and numbers of others are text in it.
"""

import os
import re
import stat
from collections import Counter
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from hourglass.core.errors import DataError
from hourglass.core.files import replacing
from hourglass.core.processes.environment import is_first
from hourglass.core.processes.locks import lock
from hourglass.core.text import command, counted, first_line, number, printable
from hourglass.runs.status import STATUSES
from hourglass.sweeps.overview.find import Found, folders, is_run

LOGS = Path("logs")
INDEX, REPORT = "index.html", "report.html"
WAIT = 60.0
"""Seconds to wait for other processes that write it"""
MARK = '<meta name="generator" content="hourglass">'
HEAD = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">{MARK}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Hourglass: runs and reports</title>
<style>
:root {{ color-scheme: light dark; --line: light-dark(#dfe2e5, #323941); --muted: light-dark(#566069, #a2abb4) }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fbfbfa, #14171b); color: light-dark(#1c2126, #e6e8ea) }}
a {{ color: light-dark(#1f5fae, #86b7f5) }}
p, small {{ color: var(--muted) }}
ul {{ list-style: none; padding: 0 }}
li {{ padding: .45rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere }}
li li {{ padding: .15rem 0; border: 0; font-size: .9rem }}
details {{ margin-top: .2rem }}
small {{ display: block; font-size: .9rem }}
li li small {{ display: inline }}
</style></head><body><main><h1>Runs and reports</h1>
"""


def refresh(changed: Path) -> None:
    """Write the index anew after something in `changed` has ended, where that lies in `logs`.

    What goes wrong is told, and costs no more than the index.
    """
    try:
        if is_first() and LOGS.is_dir() and changed.resolve().is_relative_to(LOGS.resolve()):
            write(LOGS)
    except Exception as error:  # a run, a sweep or a report is whole without it
        print(f"  no {LOGS / INDEX}: {first_line(error)}")


def write(root: Path) -> None:
    """`index.html` in `root`. Of processes that end at once each looks while no other does, so that the last one has
    seen what all have left. Raises DataError where another file lies in its place."""
    path = root / INDEX
    with lock(root / ".index.lock", WAIT):
        if path.is_file() and MARK not in path.read_bytes()[:500].decode(errors="replace"):
            raise DataError(f"{path} is not of hourglass: move it elsewhere")
        page = render(root)
        with replacing(path) as partial:
            partial.write_text(page, encoding="utf-8")


def render(root: Path) -> str:
    """The page: reports and sweeps first, then the runs by themselves, in both the newest first."""
    sweeps: dict[Path, list[Found]] = {}
    alone: list[Found] = []
    reports: dict[Path, float] = {}
    for found in folders(root):
        changed = _changed(found.folder / REPORT)
        if is_run(found.folder):
            sweeps.setdefault(found.sweep, []).append(found) if found.sweep else alone.append(found)
            reports |= {found.folder: changed} if changed and found.sweep else {}
        elif changed:
            reports[found.folder] = changed
    entries = [(max(run.changed for run in of), _sweep(root, path, of)) for path, of in sweeps.items()]
    entries += [(at, _report(root, path, at)) for path, at in reports.items() if path not in sweeps]
    singles = [(run.changed, f"<li>{_run(root, run)}</li>") for run in alone]
    count = sum(map(len, sweeps.values())) + len(alone)
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    parts = [
        f"<p>{counted(count, 'run')}, as of {now}. {escape(command('report'))} FOLDER … turns a sweep, or several "
        "folders, into a report.</p>"
    ]
    for title, listed in {"Reports and sweeps": entries, "Runs by themselves": singles}.items():
        newest = "\n".join(text for _, text in sorted(listed, reverse=True))
        parts.append(f"<h2>{title}</h2>\n<ul>\n{newest}\n</ul>" if listed else "")
    return HEAD + "\n".join(parts) + "</main></body></html>\n"


def _sweep(root: Path, folder: Path, runs: list[Found]) -> str:
    counts = Counter(run.status for run in runs)
    statuses = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    results = [run.mse for run in runs if run.mse is not None]
    best = f", test MSE {number(min(results))} at best" if results else ""
    data = ", ".join(sorted({run.value("data") for run in runs} - {""}))
    when = _time(max(run.changed for run in runs))
    jobs = "".join(f"<li>{_run(root, run)}</li>" for run in runs)
    to = folder / REPORT if _changed(folder / REPORT) else folder
    about = _text(f"sweep of {len(runs)}: {statuses}{best}; {data}; {when}{'; no report' * (to == folder)}")
    shut = f"<details><summary>Jobs</summary><ul>{jobs}</ul></details>"
    return f"<li>{_link(root, to, folder)}<small>{about}</small>{shut}</li>"


def _report(root: Path, folder: Path, changed: float) -> str:
    return f"<li>{_link(root, folder / REPORT, folder)}<small>report; {_time(changed)}</small></li>"


def _run(root: Path, run: Found) -> str:
    seed, data = (run.value(key) for key in ("seed", "data"))
    result = f", test MSE {number(run.mse)}" if run.mse is not None else ""
    about = _text(f"{run.network}, seed {seed or '–'}, {data or '–'}: {run.status}{result}; {_time(run.changed)}")
    report = f" · {_link(root, run.folder / REPORT)}" if _changed(run.folder / REPORT) else ""
    return f"{_link(root, run.folder)}{report} <small>{about}</small>"


def _link(root: Path, path: Path, named: Path | None = None) -> str:
    """To a file or a folder below the page, whatever its name holds."""
    inside = path.relative_to(root)
    to = quote(os.fsencode(inside.as_posix())) + ("" if path.name == REPORT else "/")
    name = (named or path).relative_to(root).as_posix() if named or path.name != REPORT else "report"
    return f'<a href="./{to}">{_text(name)}</a>'


def _text(text: object) -> str:
    """On one line, in which nothing is HTML and no control character steers what is shown."""
    return escape(re.sub(r"\s+", " ", str(printable(str(text)))))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _changed(path: Path) -> float:
    """When a file was; 0 where none is there, or something that is none."""
    try:
        status = path.lstat()
    except OSError:
        return 0.0
    return status.st_mtime if stat.S_ISREG(status.st_mode) else 0.0
