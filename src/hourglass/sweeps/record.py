"""`sweep.json`: the commands that were given for a sweep, and the jobs that they planned."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hourglass.config.compose import CONF
from hourglass.core import provenance
from hourglass.core.errors import Torn
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT
from hourglass.core.processes.locks import lock
from hourglass.runs.read import JOB_ID, read_sweep
from hourglass.sweeps.declaration import Declared
from hourglass.sweeps.fixed import beside, of_this_machine


class Asked(NamedTuple):
    """What a command asks of a sweep."""

    command: Sequence[str]
    """All of its words"""
    overrides: list[str]
    """As they were given: without those that follow from `budgets=`, and with those for Hydra"""
    planned: Mapping[str, list[str]]
    """The jobs, id -> overrides"""
    declared: Declared
    elsewhere: Sequence[str] = ()
    """The words by which it finds options that are not in `conf/`"""


def record(folder: Path, asked: Asked) -> int:
    """Add an invocation and its jobs; its number. A sweep may grow, by more seeds for example."""
    fixed = asked.declared.get("fixed")
    with _changing(folder) as sweep:
        sweep["invocations"].append(
            {
                "command": shlex.join(asked.command),
                "overrides": asked.overrides,
                "jobs": list(asked.planned),
                "time": datetime.now().astimezone().isoformat(timespec="seconds"),
                "git": provenance.git(),
                "declared": asked.declared,
                "changed_since_fixed": _changed_since(fixed) if fixed else None,
                "beside_fixed": beside(fixed, asked.overrides, asked.elsewhere) if fixed else None,
                "versions": provenance.versions(),
            }
        )
        for identity, job in asked.planned.items():
            sweep["jobs"].setdefault(identity, {"overrides": job})
        return len(sweep["invocations"]) - 1


def _changed_since(commit: str) -> list[str] | None:
    """Files that differ from what they were at a commit, or that none has; None where that cannot be told."""
    changed = provenance.changed_since(commit)
    return None if changed is None else [*changed, *of_this_machine(CONF)]


def plan_more(folder: Path, invocation: int, planned: Mapping[str, list[str]], tuning: Mapping[str, Any]) -> None:
    """Add jobs (id -> overrides) to an invocation, and what its tuning is: a tuned sweep plans round by round."""
    with _changing(folder) as sweep:
        entry = sweep["invocations"][invocation]
        entry |= {"jobs": list(dict.fromkeys([*entry["jobs"], *planned])), "tuning": tuning}
        for identity, job in planned.items():
            sweep["jobs"].setdefault(identity, {"overrides": job})


def add_job(folder: Path, identity: str, overrides: list[str]) -> None:
    """Add a job that was not planned at the start, unless it is there: a search plans as it goes."""
    if identity not in read_sweep(folder)["jobs"]:
        with _changing(folder) as sweep:
            sweep["jobs"].setdefault(identity, {"overrides": overrides})


@contextmanager
def _changing(folder: Path) -> Iterator[dict[str, Any]]:
    """`sweep.json`, to be changed by one process at a time."""
    with lock(folder / ".lock"):
        try:
            sweep = read_sweep(folder)
        except Torn:
            sweep = _rebuilt(folder)
        yield sweep
        write_json(folder / "sweep.json", sweep)


def _rebuilt(folder: Path) -> dict[str, Any]:
    """What the folders of the jobs tell, where `sweep.json` is torn."""
    overrides = {path.parents[1].name: path for path in sorted(folder.glob("*/.hydra/overrides.yaml"))}
    jobs = {
        job: {"overrides": yaml.safe_load(path.read_text(encoding="utf-8"))}
        for job, path in overrides.items()
        if JOB_ID.fullmatch(job)
    }
    return {"format": FORMAT, "name": folder.name, "invocations": [], "jobs": jobs}
