"""What becomes of the jobs of a sweep: a line for each that is done, and the table at the end."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from hourglass.core.text import duration, first_line
from hourglass.runs import status
from hourglass.runs.read import is_tuning, read_sweep, summary_of
from hourglass.runs.status import status_of, value_of

FINE = ("completed", "pruned")
Ends = dict[str, tuple[str, float | None]]
"""The jobs of a command that it will not train, or not again -> status, val/loss"""
UNFINISHED = ("planned", "running", "interrupted")


def line(
    folder: Path,
    names: Mapping[str, str],
    identity: str,
    error: str | None,
    seconds: Mapping[str, float],
    retry: str | None,
    parallel: int,
    ends: Ends,
) -> str:
    """One line on a job that has just ended: how many are done, how it ended, the best so far, and the time left.

    `names`: the jobs of this command. `seconds`: how long those took that this process has trained. `ends`: what is
    known of others, and need not be read again; it is filled in.
    """
    for other in (names.keys() - ends.keys()) & set(os.listdir(folder)):  # the others are planned
        if not status.to_do(ended := status_of(folder / other), retry):
            ends[other] = (ended, value_of(folder / other))
    how = ends[identity][0] if identity in ends else status_of(folder / identity)
    todo = len(names.keys() - ends.keys() - seconds.keys())
    values = {other: value for other in names if other in ends and (value := ends[other][1]) is not None}
    best = min(values, key=lambda other: values[other], default=None)
    parts = [
        f"[{len(names) - todo}/{len(names)}] {names[identity]}",
        f"{how} in {duration(seconds[identity])}",
        f"val/loss {values[identity]:.5g}" if identity in values else first_line(error),
        *summary_of(folder / identity).get("health", {}),
        f"best {names[best]} {values[best]:.5g}" if best not in (None, identity) else "best so far" if best else "",
        f"{duration(sum(seconds.values()) / len(seconds) * todo / parallel)} left" if todo else "",
    ]
    return "  ·  ".join(part for part in parts if part)


def expected(folder: Path, jobs: Iterable[str], todo: int) -> str:
    """How long so many jobs of a sweep will train, as far as those that were completed tell."""
    costs = [summary_of(folder / one).get("cost", {}) for one in jobs if status_of(folder / one) == "completed"]
    seconds = [cost["train_seconds"] for cost in costs if "train_seconds" in cost]
    if not seconds:
        return "no job has been completed, so nothing tells how long they will train"
    mean = sum(seconds) / len(seconds)
    return (
        f"about {duration(mean * todo)} of training in all, if each takes as long as the {len(seconds)} completed did"
    )


def closing(folder: Path, names: Mapping[str, str]) -> tuple[str, bool]:
    """The table of the jobs of a command, and whether every one of them ended well.

    Jobs that only serve to tune are counted, and listed where they failed; that some diverge is no failure.
    """
    width = min(60, max(map(len, names.values()), default=0))
    sweep = read_sweep(folder)
    tuning = {identity for identity in names if is_tuning(sweep["jobs"][identity]["overrides"])}
    ends = {identity: status_of(folder / identity) for identity in names}
    fine = {one: ended in FINE or (ended == "diverged" and one in tuning) for one, ended in ends.items()}
    lines = [""]
    for identity, name in names.items():
        ended, summary = ends[identity], summary_of(folder / identity)
        if identity in tuning and (fine[identity] or ended in UNFINISHED):
            continue
        result = first_line(summary.get("error"))
        if ended == "completed":
            metrics = summary["metrics"]
            result = f"val/loss {metrics['val/loss']:<9.5g}"
            if "test/psnr" in metrics:
                result += f"   test PSNR {metrics['test/psnr']:.2f} dB"
        lines.append(f"  {identity}  {name:<{width}}  {ended:<12}  {result}".rstrip())
    others = [status_of(folder / identity) for identity in sweep["jobs"] if identity not in names]
    reported = [ended for identity, ended in ends.items() if identity not in tuning]
    lines += ["", f"  {len(reported)} jobs: {counted(reported)}" if reported else "  no reported jobs yet"]
    if tuning:
        lines.append(f"  after {len(tuning)} tuning jobs: {counted([ends[identity] for identity in tuning])}")
    if others:
        lines.append(f"  beside {len(others)} of other commands: {counted(others)}")
    lines.append(f"  {folder}")
    statuses = set(ends.values())
    if {"interrupted", "planned"} & statuses:
        lines.append("  the same command goes on with those that are not done")
    if "running" in statuses:
        lines.append("  those running are in the hands of other processes; the same command tells what became of them")
    bad = {ended for identity, ended in ends.items() if not fine[identity]}
    if {"failed", "diverged"} & bad and all(invocation.get("jobs") for invocation in sweep["invocations"]):
        lines.append("  the same command with retry=failed (or diverged, all) tries those again")
    return "\n".join([*lines, ""]), all(fine.values()) and bool(reported or not tuning)


def can_be_reported(folder: Path, names: Mapping[str, str]) -> bool:
    """Are all jobs done, and is there a result among those that are reported?"""
    jobs = read_sweep(folder)["jobs"]
    statuses = {identity: status_of(folder / identity) for identity in names}
    reported = [ended for identity, ended in statuses.items() if not is_tuning(jobs[identity]["overrides"])]
    return "completed" in reported and not set(statuses.values()) & set(UNFINISHED)


def counted(statuses: list[str]) -> str:
    """`12 completed, 1 failed`"""
    return ", ".join(f"{statuses.count(one)} {one}" for one in status.STATUSES if one in statuses)
