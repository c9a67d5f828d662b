"""What we touch of submitit: the script of an array, its submission, and what a job has left.

Private there are `SlurmExecutor._make_submission_file_text` and `_submitit_command_str`, and `_convert_mem`. Its own
waiting asks `sacct`, which not every cluster has: see `hourglass.sweeps.slurm`.
"""

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hourglass.core.errors import ConfigError

NAMES = {"name": "job_name", "timeout_min": "time", "tasks_per_node": "ntasks_per_node"}
"""Options of Hydra's launchers of submitit that its executor calls otherwise."""
OF_THE_EXECUTOR = ("submitit_folder", "max_num_timeout")


class Refused(Exception):
    """SLURM takes no such jobs; the message is its own."""


def script(options: Mapping[str, Any], jobs: int) -> str:
    """What `sbatch` is given for so many jobs; `options` are those of the launcher. Needs no SLURM."""
    executor = _executor(options)
    if jobs > 1:
        executor.parameters["map_count"] = jobs
    return str(executor._make_submission_file_text(executor._submitit_command_str, ""))


def submit(options: Mapping[str, Any], function: Callable[..., Any], arguments: Sequence[Sequence[Any]]) -> list[str]:
    """Submit an array of a call of `function` for each of the arguments; the ids of the jobs. Raises Refused."""
    from submitit.core.utils import FailedJobError

    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it would print what the exception tells as well
            jobs = _executor(options).map_array(function, *zip(*arguments, strict=True))
    except FailedJobError as error:
        raise Refused(str(error)) from error
    return [str(job.job_id) for job in jobs]


def result(options: Mapping[str, Any], job: str) -> tuple[Any, str | None]:
    """(what the call returned, None), or (None, the last line of its traceback); two times None where it left none."""
    from submitit.core.utils import JobPaths, pickle_load

    path = JobPaths(options["submitit_folder"], job).result_pickle
    if not path.exists():
        return None, None
    outcome, value = pickle_load(path)
    return (value, None) if outcome == "success" else (None, str(value).strip().splitlines()[-1])


def log_of(options: Mapping[str, Any], job: str) -> Path:
    """Where the messages of a job go."""
    from submitit.core.utils import JobPaths

    return Path(JobPaths(options["submitit_folder"], job).stderr)


def _executor(options: Mapping[str, Any]) -> Any:
    from submitit.slurm import slurm

    class SlurmExecutor(slurm.SlurmExecutor):
        @classmethod
        def affinity(cls) -> int:
            return 1  # its constructor refuses a machine without `srun`, which a script does not need

    given = {NAMES.get(key, key): value for key, value in options.items() if value is not None}
    executor = SlurmExecutor(*(given.pop(key) for key in OF_THE_EXECUTOR))
    if "mem_gb" in given:
        given["mem"] = slurm._convert_mem(given.pop("mem_gb"))
    if "cpus_per_task" in given:  # since 22.05 srun does not take them over from sbatch
        given["srun_args"] = [f"--cpus-per-task={given['cpus_per_task']}", *given.get("srun_args", [])]
    given["additional_parameters"] = {"requeue": True} | given.get("additional_parameters", {})
    try:
        executor.update_parameters(**given)
    except ValueError as error:  # names that it does not know, and all that it knows
        raise ConfigError(f"hydra.launcher: {error}") from error
    return executor
