"""A sweep is a folder: its plan, and its jobs one by one. No torch in here.

Hydra composes and launches the jobs, by whatever launcher. `PlanSweep` writes `sweep.json` before the first, and
`run_job` is the task of each; `hourglass.sweeps.progress` tells what becomes of them.
"""

import atexit
import fcntl
import hashlib
import json
import os
import re
import shlex
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
from hydra.utils import get_class
from omegaconf import DictConfig

from hourglass.config import identity as ids
from hourglass.config.overrides import refuse_careless
from hourglass.core import provenance, signals
from hourglass.core.errors import ConfigError
from hourglass.core.files import replacing
from hourglass.core.processes import supervisor
from hourglass.core.processes.worker import STOP_GRACE
from hourglass.runs import status as states
from hourglass.runs.job import Job
from hourglass.runs.status import status_of
from hourglass.sweeps import progress
from hourglass.sweeps.progress import read, value_of

SOME = 50
"""Jobs that are planned without a word: composing one takes a tenth of a second."""

current: Path | None = None
"""The folder of the sweep that this process has planned."""
settings: DictConfig | None = None
"""What the command line says for all of its jobs."""


def name_of(overrides: list[str]) -> str:
    """Its experiment, or the keys that vary and a hash of the overrides that matter to the result."""
    parsed = [override for override in OverridesParser.create().parse_overrides(overrides) if override.key_or_group]
    kept = [o for o in parsed if not any(_within(o.key_or_group, key) for key in ids.VOLATILE)]
    if len(kept) == 1 and kept[0].key_or_group == "experiment" and not kept[0].is_sweep_override():
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
        searching = not config.hydra.sweeper._target_.endswith("BasicSweeper")
        if supervisor.started_from_outside():
            raise ConfigError("start a sweep once, without torchrun or srun: LOCAL_RANK or SLURM_NTASKS is set")
        refuse_careless(overrides)
        if config.retry not in states.RETRY:
            raise ConfigError(f"retry={config.retry}: it can be failed, diverged, incompatible or all")
        if config.retry is not None and searching:
            raise ConfigError(f"retry={config.retry}: a search does not try a failed trial again; leave it out")
        if config.sweep is None:
            raise ConfigError("a sweep has one name, its folder: start it with -m, which makes one, or give sweep=NAME")
        if not re.fullmatch(r"[\w.+-]+", str(config.sweep)):
            raise ConfigError(f"sweep={config.sweep} names a folder: use letters, digits, '.', '_', '+' and '-'")
        current = Path(config.hydra.sweep.dir)
        current.mkdir(parents=True, exist_ok=True)
        planned: dict[str, list[str]] = {}
        for number, (identity, job) in enumerate([] if searching else plan(config, overrides)):
            if identity in planned:
                same = "has the same configuration as an earlier one: it is trained once"
                print(f"job {number}, {progress.shown(job)}, {same}")
            planned.setdefault(identity, job)
        os.environ[progress.INVOCATION] = str(record(current, overrides, planned))
        old = progress.counted([s for identity in planned if (s := status_of(current / identity)) != "planned"])
        jobs_planned = f"up to {config.search.trials} trials" if config.get("search") else f"{len(planned)} jobs"
        print(f"sweep {current.name}: {jobs_planned} in {current}{f' ({old} before)' if old else ''}", flush=True)
        if not getattr(get_class(config.hydra.launcher._target_), "jobs_outlive_it", False):
            stop_file = current / f".stop-{os.environ[progress.INVOCATION]}"
            os.environ[signals.STOP_FILE] = str(stop_file)
            # after whatever the launcher does at the end: until then it may start a job that was waiting
            atexit.register(stop_file.unlink, missing_ok=True)
        signals.interrupt(stop_jobs)


def stop_jobs() -> None:
    """Ask the jobs that run in other processes to save and stop, and wait for them, so long as a job may take."""
    if current is None or signals.STOP_FILE not in os.environ:
        return
    Path(os.environ[signals.STOP_FILE]).touch()
    folders = [current / identity for identity in read(current)["jobs"]]
    deadline = time.monotonic() + STOP_GRACE
    while any(map(states.is_locked, folders)) and time.monotonic() < deadline:
        time.sleep(0.1)


def plan(config: DictConfig, overrides: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Id and overrides of each job that Hydra's own sweeper will launch."""
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*given, *overrides])
    for batch in BasicSweeper.split_arguments(parsed, None):
        if len(batch) > SOME:
            print(f"planning {len(batch)} jobs", flush=True)
        for job in batch:
            yield ids.run_id(GlobalHydra.instance().config_loader().load_sweep_config(config, job)), job


def record(folder: Path, overrides: list[str], planned: dict[str, list[str]]) -> int:
    """Add this invocation and its jobs to `sweep.json`; its number. A sweep may grow, by more seeds for example."""
    with changing(folder) as sweep:
        sweep["invocations"].append(
            {
                "command": shlex.join(["python", *sys.argv]),
                "overrides": overrides,
                "jobs": list(planned),
                "time": datetime.now().astimezone().isoformat(timespec="seconds"),
                "git": provenance.git(),
                "versions": provenance.versions(),
            }
        )
        for identity, job in planned.items():
            sweep["jobs"].setdefault(identity, {"overrides": job})
        return len(sweep["invocations"]) - 1


@contextmanager
def changing(folder: Path) -> Iterator[dict[str, Any]]:
    """`sweep.json`, to be changed by one process at a time."""
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        sweep = read(folder)
        yield sweep
        with replacing(folder / "sweep.json") as path:
            path.write_text(json.dumps(sweep, indent=2) + "\n")


def run_job(config: DictConfig, job: Job) -> float | None:
    """Train one job of a sweep in a process of its own, unless it is done; its val/loss, or None where there is none.

    Never raises for what becomes of the job: its summary has the reason, and the sweep goes on. Interrupted ends it.
    """
    signals.check()
    folder = job.folder.parent
    if job.id not in read(folder)["jobs"]:  # a search plans as it goes
        with changing(folder) as sweep:
            sweep["jobs"].setdefault(job.id, {"overrides": job.overrides})
    if not states.to_do(status_of(job.folder), config.retry):
        return value_of(job.folder)
    launcher = HydraConfig.get().launcher
    parallel = supervisor.at_a_time(int(launcher.get("n_jobs", 1)))
    supervisor.preload(config)  # before the clock starts
    start = time.monotonic()
    threads = supervisor.threads(supervisor.ranks_of(config) * parallel)
    outcome = supervisor.supervise(config, job, ranks=supervisor.ranks_of(config), threads=threads, quiet=True)
    print(progress.line(folder, job.id, outcome.error, time.monotonic() - start, config.retry, parallel), flush=True)
    return value_of(job.folder)
