"""What becomes of the jobs of a sweep: a line for each that is done, the table at the end, the report. No torch."""

import json
import os
import traceback
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hourglass.core.errors import ConfigError
from hourglass.runs import status as states
from hourglass.runs.status import read_summary, status_of

FINE = ("completed", "pruned")
UNFINISHED = ("planned", "running", "interrupted")
INVOCATION = "HOURGLASS_INVOCATION"
"""Environment variable: the number in `sweep.json` of the command that the processes of a sweep work for."""
LONGEST = 160
"""Characters of a reason that a line bears."""
_trained: dict[str, float] = {}
"""The jobs that this process has trained, and the seconds that each took."""


def read(folder: Path) -> dict[str, Any]:
    """`sweep.json`; an empty sweep where there is none."""
    path = folder / "sweep.json"
    return json.loads(path.read_text()) if path.exists() else {"name": folder.name, "invocations": [], "jobs": {}}


def of_this_command(folder: Path) -> dict[str, str]:
    """The jobs that this command has planned, each by what sets it apart; all of a search, which plans as it goes."""
    sweep = read(folder)
    planned = sweep["invocations"][int(os.environ[INVOCATION])]["jobs"] if INVOCATION in os.environ else []
    listed = {identity: sweep["jobs"][identity]["overrides"] for identity in planned or sweep["jobs"]}
    common = set.intersection(*map(set, listed.values())) if len(listed) > 1 else set()
    return {identity: shown([o for o in job if o not in common]) or "-" for identity, job in listed.items()}


def shown(overrides: list[str]) -> str:
    return " ".join(o for o in overrides if not o.startswith(("sweep=", "retry=", "trial=", "hydra", "search=")))


def value_of(folder: Path) -> float | None:
    """What a sweeper minimises: the best val/loss of a completed run."""
    summary = read_summary(folder)
    return summary["metrics"]["val/loss"] if summary and summary["status"] == "completed" else None


def line(folder: Path, identity: str, error: str | None, seconds: float, retry: str | None, parallel: int) -> str:
    """One line on a job that has just ended: how many are done, how it ended, the best so far, and the time left."""
    _trained[identity] = seconds
    names = of_this_command(folder)
    statuses = {other: status_of(folder / other) for other in names}
    todo = sum(states.to_do(status, retry) and other not in _trained for other, status in statuses.items())
    values = {other: value for other in names if (value := value_of(folder / other)) is not None}
    best = min(values, key=lambda other: values[other], default=None)
    end = f"val/loss {values[identity]:.5g}" if identity in values else first_line(error)
    parts = [
        f"[{len(names) - todo}/{len(names)}] {names[identity]}",
        f"{statuses[identity]} in {duration(seconds)}",
        end,
        *(read_summary(folder / identity) or {}).get("health", {}),
        f"best {names[best]} {values[best]:.5g}" if best not in (None, identity) else "best so far" if best else "",
        f"{duration(sum(_trained.values()) / len(_trained) * todo / parallel)} left" if todo else "",
    ]
    return "  ·  ".join(part for part in parts if part)


def closing(folder: Path) -> tuple[str, bool]:
    """The table of the jobs of this command, and whether every one of them ended well."""
    names = of_this_command(folder)
    width = min(60, max(map(len, names.values()), default=0))
    lines, statuses = [""], []
    for identity, name in names.items():
        status, summary = status_of(folder / identity), read_summary(folder / identity) or {}
        statuses.append(status)
        result = first_line(summary.get("error"))
        if status == "completed":
            metrics = summary["metrics"]
            result = f"val/loss {metrics['val/loss']:<9.5g}   test PSNR {metrics['test/psnr']:.2f} dB"
        lines.append(f"  {identity}  {name:<{width}}  {status:<12}  {result}".rstrip())
    sweep = read(folder)
    others = [status_of(folder / identity) for identity in sweep["jobs"] if identity not in names]
    lines += ["", f"  {len(names)} jobs: {counted(statuses)}"]
    if others:
        lines.append(f"  beside {len(others)} of other commands: {counted(others)}")
    lines.append(f"  {folder}")
    if {"interrupted", "planned"} & set(statuses):
        lines.append("  the same command goes on with those that are not done")
    if "running" in statuses:
        lines.append("  those running are in the hands of other processes; the same command tells what became of them")
    if {"failed", "diverged"} & set(statuses) and all(invocation.get("jobs") for invocation in sweep["invocations"]):
        lines.append("  the same command with retry=failed (or diverged, all) tries those again")
    return "\n".join([*lines, ""]), all(status in FINE for status in statuses)


def counted(statuses: list[str]) -> str:
    """`12 completed, 1 failed`"""
    return ", ".join(f"{statuses.count(status)} {status}" for status in states.STATUSES if status in statuses)


def report(folder: Path, config: DictConfig) -> None:
    """After the last job: `report.html` beside the sweep, and in W&B where the jobs are.

    The sweep is whole without it, so whatever goes wrong is shown and costs only the report.
    """
    statuses = [status_of(folder / identity) for identity in of_this_command(folder)]
    if not config.report or "completed" not in statuses or set(UNFINISHED) & set(statuses):
        return
    try:
        from hourglass.report import command

        review = command.make(command.Request(folder, folder))
        if "wandb" in (config.logger or {}):
            from hourglass.report.publish import publish

            publish(review, config, folder / "report.html")
    except ConfigError as error:
        print(f"  no report: {error}")
    except Exception:
        traceback.print_exc()
        print(f"  no report, by a fault of ours; python report.py {folder} tries again")


def first_line(error: str | None) -> str:
    first = (error or "").strip().split("\n")[0]
    return first if len(first) <= LONGEST else first[: LONGEST - 3] + "…"


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
