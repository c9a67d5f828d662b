"""A sweep is a folder: its plan, its jobs one by one, and what became of them. No torch in here.

Hydra composes and launches the jobs, by whatever launcher. `PlanSweep` writes `sweep.json` before the first, `run_job`
is the task of each, and `closing` tells the end.
"""

import fcntl
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from hourglass import ids, jobs, provenance, signals, states
from hourglass.errors import ConfigError
from hourglass.files import replacing
from hourglass.states import read_summary, status_of

RETRY = {
    None: (),
    "failed": ("failed",),
    "diverged": ("diverged",),
    "incompatible": ("incompatible",),
    "all": ("failed", "diverged", "incompatible", "pruned"),
}
"""What `retry=` starts again of the jobs that have ended otherwise than completed."""
FINE = ("completed", "pruned")

current: Path | None = None
"""The folder of the sweep that this process has planned."""
settings: DictConfig | None = None
"""What the command line says for all of its jobs."""
_trained: dict[str, float] = {}
"""The jobs that this process has trained, and the seconds that each took."""


def name_of(overrides: list[str]) -> str:
    """Its experiment, or the keys that vary and a hash of the overrides that matter to the result."""
    parsed = [override for override in OverridesParser.create().parse_overrides(overrides) if override.key_or_group]
    kept = [o for o in parsed if not any(_within(o.key_or_group, key) for key in ids.VOLATILE)]
    if len(kept) == 1 and kept[0].key_or_group == "experiment":
        return str(kept[0].value())
    digest = hashlib.sha256("\n".join(sorted(str(o.input_line) for o in kept)).encode()).hexdigest()[:6]
    swept = [o.key_or_group.split(".")[-1] for o in kept if o.is_sweep_override()]
    searches = [f"search-{o.value()}" for o in parsed if o.key_or_group == "search"]
    return "-".join([*searches, *swept, digest])


def _within(key: str, parent: str) -> bool:
    return key == parent or key.startswith((f"{parent}.", f"{parent}/"))


class Refused(BaseException):
    """Carries an error out of a Hydra callback, where an Exception would become a warning and the sweep go on."""


class PlanSweep(Callback):
    """Before the first job: refuse what cannot work, and write down what there is to do."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            self._plan(config)
        except Exception as error:
            raise Refused from error

    def _plan(self, config: DictConfig) -> None:
        global current, settings
        settings = config
        overrides = list(config.hydra.overrides.task)
        if jobs.started_from_outside():
            raise ConfigError("start a sweep once, without torchrun or srun: LOCAL_RANK or SLURM_NTASKS is set")
        if config.retry not in RETRY:
            raise ConfigError(f"retry={config.retry}: it can be failed, diverged, incompatible or all")
        if not re.fullmatch(r"[\w.+-]+", str(config.sweep)):
            raise ConfigError(f"sweep={config.sweep} names a folder: use letters, digits, '.', '_', '+' and '-'")
        current = Path(config.hydra.sweep.dir)
        current.mkdir(parents=True, exist_ok=True)
        planned: dict[str, list[str]] = {}
        if config.hydra.sweeper._target_.endswith("BasicSweeper"):
            for number, (identity, job) in enumerate(plan(config, overrides)):
                if identity in planned:
                    print(
                        f"job {number}, {shown(job)}, has the same configuration as an earlier one: it is trained once"
                    )
                planned.setdefault(identity, job)
        record(current, overrides, planned)
        old = counted([status for identity in planned if (status := status_of(current / identity)) != "planned"])
        jobs_planned = f"up to {config.search.trials} trials" if config.get("search") else f"{len(planned)} jobs"
        print(f"sweep {current.name}: {jobs_planned} in {current}{f' ({old} before)' if old else ''}", flush=True)


def plan(config: DictConfig, overrides: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Id and overrides of each job that Hydra's own sweeper will launch."""
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*given, *overrides])
    for batch in BasicSweeper.split_arguments(parsed, None):
        for job in batch:
            yield ids.run_id(GlobalHydra.instance().config_loader().load_sweep_config(config, job)), job


def record(folder: Path, overrides: list[str], planned: dict[str, list[str]]) -> None:
    """Add this invocation and its jobs to `sweep.json`; a sweep may grow, by more seeds for example."""
    with changing(folder) as sweep:
        sweep["invocations"].append(
            {
                "command": " ".join(["python", *sys.argv]),
                "overrides": overrides,
                "time": datetime.now().astimezone().isoformat(timespec="seconds"),
                "git": provenance.git(),
                "versions": provenance.versions(),
            }
        )
        for identity, job in planned.items():
            sweep["jobs"].setdefault(identity, {"overrides": job})


def read(folder: Path) -> dict[str, Any]:
    """`sweep.json`; an empty sweep where there is none."""
    path = folder / "sweep.json"
    return json.loads(path.read_text()) if path.exists() else {"name": folder.name, "invocations": [], "jobs": {}}


@contextmanager
def changing(folder: Path) -> Iterator[dict[str, Any]]:
    """`sweep.json`, to be changed by one process at a time."""
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        sweep = read(folder)
        yield sweep
        with replacing(folder / "sweep.json") as path:
            path.write_text(json.dumps(sweep, indent=2) + "\n")


def run_job(config: DictConfig, job: jobs.Job) -> float | None:
    """Train one job of a sweep in a process of its own, unless it is done; its val/loss, or None where there is none.

    Never raises for what becomes of the job: its summary has the reason, and the sweep goes on. Interrupted ends it.
    """
    signals.check()
    folder = job.folder.parent
    if job.id not in read(folder)["jobs"]:  # a search plans as it goes
        with changing(folder) as sweep:
            sweep["jobs"].setdefault(job.id, {"overrides": job.overrides})
    status = status_of(job.folder)
    if status not in ("planned", "running", "interrupted", *RETRY[config.retry]):
        return value_of(job.folder)
    launcher = HydraConfig.get().launcher
    parallel = int(launcher.get("n_jobs", 1))
    ranks, cores = jobs.ranks_of(config), len(os.sched_getaffinity(0))
    parallel = cores if parallel < 0 else parallel
    jobs.preload(config)  # before the clock starts
    start = time.monotonic()
    outcome = jobs.supervise(config, job, ranks=ranks, threads=jobs.threads(ranks * parallel), quiet=True)
    _trained[job.id] = time.monotonic() - start
    print(line(folder, job.id, outcome.error, RETRY[config.retry], parallel), flush=True)
    return value_of(job.folder)


def value_of(folder: Path) -> float | None:
    """What a sweeper minimises: the best val/loss of a completed run."""
    summary = read_summary(folder)
    return summary["metrics"]["val/loss"] if summary and summary["status"] == "completed" else None


def shown(overrides: list[str]) -> str:
    return " ".join(o for o in overrides if not o.startswith(("sweep=", "retry=", "trial=", "hydra", "search=")))


def varying(folder: Path) -> dict[str, str]:
    """Each job by what sets it apart from the others."""
    listed = {identity: job["overrides"] for identity, job in read(folder)["jobs"].items()}
    common = set.intersection(*map(set, listed.values())) if len(listed) > 1 else set()
    return {identity: shown([o for o in job if o not in common]) or "-" for identity, job in listed.items()}


def line(folder: Path, identity: str, error: str | None, retried: tuple[str, ...], parallel: int) -> str:
    """One line on a finished job: how many are done, how it ended, the best so far, and the time left."""
    names = varying(folder)
    statuses = {other: status_of(folder / other) for other in names}
    again = ("planned", "running", "interrupted", *retried)
    todo = sum(status in again and other not in _trained for other, status in statuses.items())
    values = {other: value_of(folder / other) for other in names if statuses[other] == "completed"}
    best = min(values, key=lambda other: values[other] or float("inf"), default=None)
    end = f"val/loss {values[identity]:.5g}" if identity in values else first_sentence(error)
    parts = [
        f"[{len(names) - todo}/{len(names)}] {names[identity]}",
        f"{statuses[identity]} in {duration(_trained[identity])}",
        end,
        f"best {names[best]} {values[best]:.5g}" if best not in (None, identity) else "best so far" if best else "",
        f"{duration(sum(_trained.values()) / len(_trained) * todo / parallel)} left" if todo else "",
    ]
    return "  ·  ".join(part for part in parts if part)


def closing(folder: Path) -> tuple[str, bool]:
    """The table of all jobs of a sweep, and whether every one of them ended well."""
    names = varying(folder)
    width = min(60, max(map(len, names.values()), default=0))
    lines, statuses = [""], []
    for identity, name in names.items():
        status, summary = status_of(folder / identity), read_summary(folder / identity) or {}
        statuses.append(status)
        metrics = summary.get("metrics") or {}
        result = first_sentence(summary.get("error"))
        if status == "completed":
            result = f"val/loss {metrics['val/loss']:.5g}   test PSNR {metrics['test/psnr']:.2f} dB"
        lines.append(f"  {identity}  {name:<{width}}  {status:<12}  {result}".rstrip())
    lines += ["", f"  {len(names)} jobs: {counted(statuses)}", f"  {folder}"]
    if {"interrupted", "planned"} & set(statuses):
        lines.append("  the same command goes on with those that are not done")
    if {"failed", "diverged"} & set(statuses):
        lines.append("  the same command with retry=failed (or diverged, all) tries those again")
    return "\n".join([*lines, ""]), all(status in FINE for status in statuses)


def counted(statuses: list[str]) -> str:
    """`12 completed, 1 failed`"""
    return ", ".join(f"{statuses.count(status)} {status}" for status in states.STATUSES if status in statuses)


def report(folder: Path, config: DictConfig) -> None:
    """After the last job: `report.html` beside the sweep, and in W&B where the jobs are."""
    from hourglass.report import command

    statuses = [status_of(folder / identity) for identity in read(folder)["jobs"]]
    if not config.report or "completed" not in statuses or {"planned", "running", "interrupted"} & set(statuses):
        return
    try:
        sweep = command.make(command.Request(folder, folder))
    except ConfigError as error:  # the sweep is whole without it
        print(f"  no report: {error}")
        return
    if "wandb" in (config.logger or {}):
        from hourglass.report.publish import publish

        publish(sweep, config, folder / "report.html")


def first_sentence(error: str | None) -> str:
    """The first line of a reason, at a length that a table bears."""
    first = (error or "").strip().split("\n")[0]
    return first if len(first) <= 110 else first[:107] + "…"


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
