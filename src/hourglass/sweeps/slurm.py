"""Jobs of a sweep on SLURM: submitted once, waited for, and what became of each.

`squeue` tells what is needed, also of jobs that have just ended, so no accounting is. The jobs outlive the command that
submits them; `.submitit/jobs.json` in the folder of the sweep says which they are, and the same command waits for them.
"""

import json
import re
import shutil
import subprocess  # nosec B404
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hourglass.config.configuration import Configuration, Node
from hourglass.core.compat import submitit
from hourglass.core.errors import ConfigError
from hourglass.core.files import write_json
from hourglass.core.processes.locks import lock
from hourglass.core.text import counted, first_line

ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
         "REVOKED", "TIMEOUT")  # fmt: skip
"""States of SLURM in which a job neither runs nor will."""
LARGEST_ARRAY = 1000
"""Jobs of one array: what SLURM allows by default."""
LONGEST_PAUSE = 10.0
"""Seconds between two looks at the queue."""
WRITTEN = 15.0
"""Seconds that a shared file system may take to show what a job has left."""
SIZE = ("cpus_per_task", "mem_gb", "gpus_per_node", "partition")
CURES = {
    "generic resource|gres": ("gpus_per_node",),
    "account": ("account", "partition"),
    "invalid partition": ("partition",),
    "time limit|timelimit": ("timeout_min", "partition"),
    "memory": ("mem_gb", "partition"),
    "cpu count": ("cpus_per_task", "partition"),
    "node configuration|partitionconfig|partitionnodelimit|badconstraints": SIZE,
    "": ("additional_parameters",),
}
"""What SLURM says of a job that it will not start, and the options of the launcher that change it."""
FOR_EVER = ("PartitionConfig", "PartitionTimeLimit", "PartitionNodeLimit", "BadConstraints", "InvalidAccount",
            "InvalidQOS", "AccountNotAllowed", "QOSNotAllowed")  # fmt: skip
"""Reasons for waiting that do not pass by themselves."""


class Entry(NamedTuple):
    """A job in the queue."""

    state: str
    reason: str


def with_gpus(options: Node, configurations: Iterable[Configuration]) -> Node:
    """The options of the launcher, with as many GPUs as the trainers of the jobs use where they do not say how many.

    trainer.accelerator=auto uses the GPU where there is one: where the partition has some. Raises ConfigError where
    trainer.devices does not tell how many there are to be.
    """
    if options["gpus_per_node"] is not None or re.search("gpu|gres", str(options["additional_parameters"])):
        return options | {"gpus_per_node": options["gpus_per_node"] or None}  # a cluster without them refuses 0, too
    trainers = [configuration.plain["trainer"] for configuration in configurations]
    kinds = {trainer["accelerator"] for trainer in trainers}
    chosen = {"gpu", "cuda"} | ({"auto"} if "auto" in kinds and _has_gpus(options["partition"]) else set())
    count = max((_devices(trainer) for trainer in trainers if trainer["accelerator"] in chosen), default=0)
    return options | {"gpus_per_node": count or None}


def _devices(trainer: Node) -> int:
    devices = trainer["devices"]
    if isinstance(devices, int) and devices > 0:
        return devices
    if isinstance(devices, list):
        return len(devices)
    raise ConfigError(
        f"trainer.devices={devices}: say how many GPUs a job is to have, as in trainer.devices=2 or "
        "hydra.launcher.gpus_per_node=2"
    )


def _has_gpus(partition: str | None) -> bool:
    """Does the partition, or the cluster's default, have GPUs? Not where there is no SLURM."""
    if shutil.which("sinfo") is None:
        return False
    lines = [line.split("|") for line in _ask("sinfo", "--noheader", "--format=%P|%G").splitlines()]
    wanted = partition.split(",") if partition else [name.rstrip("*") for name, _ in lines if name.endswith("*")]
    return any("gpu" in resources for name, resources in lines if name.rstrip("*") in wanted)


def script(options: Node, jobs: int) -> str:
    """What `sbatch` would be given for so many jobs."""
    return submitit.script(options, min(jobs, LARGEST_ARRAY))


def submit(folder: Path, options: Node, call: Callable[..., Any], todo: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Submit those of the jobs that are not in the queue yet: id -> arguments of `call`; the id in SLURM of each.

    `folder` is that of the sweep. Raises ConfigError where SLURM takes them not.
    """
    if shutil.which("sbatch") is None:
        raise ConfigError("there is no sbatch here: start the sweep on a login node, or choose another hydra/launcher")
    record = _record(folder)
    record.parent.mkdir(parents=True, exist_ok=True)
    with lock(record.with_suffix(".lock")):  # two commands at once submit each job once
        waiting = queued(folder)
        found = {job: waiting[job] for job in todo if job in waiting}
        new = [job for job in todo if job not in waiting]
        if found:
            print(f"  {counted(len(found), 'job')} in the queue already, as {_listed(found.values())}", flush=True)
        for first in range(0, len(new), LARGEST_ARRAY):
            part = new[first : first + LARGEST_ARRAY]
            try:
                ids = submitit.submit(options, call, [todo[job] for job in part])
            except submitit.Refused as error:
                raise ConfigError(_refusal(str(error), options)) from error
            submitted = dict(zip(part, ids, strict=True))
            write_json(record, _recorded(folder) | {identity: job for job, identity in submitted.items()})
            found |= submitted
            gpus = f"{options['gpus_per_node']} GPUs each" if options["gpus_per_node"] else "no GPUs"
            print(
                f"  submitted {counted(len(part), 'job')} as {_listed(ids)}, {gpus}; "
                f"Ctrl-C ends the waiting, scancel {_listed(ids)} the jobs",
                flush=True,
            )
    return found


def queued(folder: Path) -> dict[str, str]:
    """The jobs of a sweep that are in the queue, each with its id in SLURM."""
    recorded = _recorded(folder)
    states = _queue() if recorded and shutil.which("squeue") else {}
    return {job: one for one, job in recorded.items() if one in states and states[one].state not in ENDED}


def wait(jobs: Iterable[str]) -> dict[str, str]:
    """Wait for jobs, by their ids in SLURM, and tell whenever something changes; the last state of each.

    The state is `forgotten` where SLURM does not know the job any more.
    """
    jobs, ended = list(jobs), dict[str, str]()
    before, start = "", time.monotonic()
    while len(ended) < len(jobs):
        try:
            entries = _queue()
        except ConfigError as error:  # the controller is restarted, say
            text = f"{first_line(str(error))}: waiting on"
        else:
            alive = {job: entries[job] for job in jobs if job in entries and entries[job].state not in ENDED}
            ended |= {job: entries[job].state if job in entries else "forgotten" for job in jobs if job not in alive}
            text = _told(alive, len(ended))
        if text != before:
            print(f"  {text}", flush=True)
        before = text
        if len(ended) < len(jobs):
            time.sleep(min(LONGEST_PAUSE, 1 + (time.monotonic() - start) / 60))
    return {job: ended[job] for job in jobs}


def results(options: Node, names: Mapping[str, str], states: Mapping[str, str]) -> dict[str, Any]:
    """What each job has returned, None where it left nothing; tells of those that ended otherwise than by themselves.

    `names` and `states` are by the ids in SLURM: what sets a job apart, and its last state.
    """
    returned, reasons = dict[str, Any](), dict[str, list[tuple[str, str | None]]]()
    for job, state in states.items():
        deadline = time.monotonic() + (WRITTEN if state == "COMPLETED" else 0)
        value, error = submitit.result(options, job)
        while value is None and error is None and time.monotonic() < deadline:
            time.sleep(0.5)
            value, error = submitit.result(options, job)
        returned[job] = value
        if value is None:
            reasons.setdefault(state, []).append((job, error))
    for state, ones in reasons.items():
        job, error = ones[0]
        print(
            f"  {counted(len(ones), 'job')} ended as {state}, "
            f"{'' if len(ones) == 1 else 'the first of them '}{names[job]}"
            f"{f': {error}' if error else ''}; its messages: {submitit.log_of(options, job)}",
            flush=True,
        )
    return returned


def _told(alive: Mapping[str, Entry], ended: int) -> str:
    """`SLURM: 2 ended, 1 running, 1 pending (Resources)`, and what to change where that one will wait for ever."""
    parts = Counter(
        entry.state.lower() + (f" ({entry.reason})" if entry.state == "PENDING" and entry.reason != "None" else "")
        for entry in alive.values()
    )
    text = "SLURM: " + ", ".join([f"{ended} ended"] * bool(ended) + [f"{n} {part}" for part, n in parts.items()])
    stuck = sorted({entry.reason for entry in alive.values() if entry.reason in FOR_EVER and entry.state == "PENDING"})
    if stuck:
        text += f"; they will wait for ever: scancel {_listed(alive)}, and change {_options(stuck[0])}"
    return text


def _refusal(answer: str, options: Node) -> str:
    """One sentence on why SLURM refuses, with the options to change."""
    lines = [re.sub("^(sbatch: )?(error: )?(Batch job submission failed: )?", "", one) for one in answer.splitlines()]
    reason = "; ".join(dict.fromkeys(line for line in lines if line))
    return f"SLURM refuses the jobs: {reason}. Change {_options(reason, options)}"


def _options(reason: str, options: Node | None = None) -> str:
    keys = next(keys for pattern, keys in CURES.items() if re.search(pattern, reason, re.IGNORECASE))
    return " or ".join(f"hydra.launcher.{key}" + (f" (now {options[key]})" if options else "") for key in keys)


def _queue() -> dict[str, Entry]:
    """All jobs of this user, those too that have just ended, by their ids."""
    told = _ask("squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T|%r")
    fields = [line.strip().split("|") for line in told.splitlines() if line.count("|") == 2]
    return {job: Entry(state, reason) for job, state, reason in fields}


def _ask(*command: str) -> str:
    """What a command of SLURM prints; raises ConfigError where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)  # nosec B603
    if done.returncode:
        raise ConfigError(f"{command[0]} fails: {first_line(done.stderr.strip())}")
    return done.stdout


def _record(folder: Path) -> Path:
    return folder / ".submitit" / "jobs.json"


def _recorded(folder: Path) -> dict[str, str]:
    """Every job that was submitted: id in SLURM -> id."""
    path = _record(folder)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _listed(jobs: Iterable[str]) -> str:
    """`12 14`: arrays by what their jobs share."""
    return " ".join(dict.fromkeys(job.split("_")[0] for job in jobs))
