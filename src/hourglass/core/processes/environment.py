"""What a process inherits through its environment: all of it, in one place.

| variable                                  | set by                   | read by                      |
|-------------------------------------------|--------------------------|------------------------------|
| LOCAL_RANK, NODE_RANK, WORLD_SIZE,        | `of_workers`, torchrun   | torch.distributed, Lightning |
| MASTER_ADDR, MASTER_PORT                  |                          |                              |
| HOURGLASS_FORKED                          | `of_workers`             | `started_from_outside`       |
| RANK, SLURM_PROCID                        | torchrun, srun           | `is_first`, Lightning        |
| TORCHELASTIC_RUN_ID, SLURM_NTASKS         | torchrun, srun           | `started_from_outside`       |
| CUDA_VISIBLE_DEVICES                      | `gpus.one_gpu`, the user | torch, `gpus.one_gpu`        |
| OMP_NUM_THREADS                           | the user                 | torch, `threads_each`        |
| GOMP_SPINCOUNT, OMP_WAIT_POLICY           | `wait_asleep`, the user  | torch's OpenMP               |
| PYTORCH_NVML_BASED_CUDA_CHECK             | Lightning, its `compat`  | torch                        |
| HYDRA_FULL_ERROR                          | `cli.entry`, the user    | Hydra: errors reach us       |
| WANDB_ERROR_REPORTING                     | `core.compat.wandb`      | W&B: no telemetry of its own |

Everything else travels as an argument, or in what a worker returns.
"""

import os
import socket

from hourglass.core.errors import ConfigError

SPINS = "1000"
"""Rounds that a waiting thread looks before it sleeps: some microseconds. docs/speed.md has what others cost."""


def started_from_outside() -> bool:
    """Have torchrun or srun started the processes of this run already? Those that we have forked they have not."""
    if "HOURGLASS_FORKED" in os.environ:
        return False
    external = any(name in os.environ for name in ("LOCAL_RANK", "TORCHELASTIC_RUN_ID"))
    return external or int(os.environ.get("SLURM_NTASKS", "1")) > 1


def is_first() -> bool:
    """Is this the one process, of those that torchrun or srun has started for a run, that writes its files?"""
    ranks = [os.environ[name] for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID") if name in os.environ]
    return not started_from_outside() or ranks[:1] in ([], ["0"])


def refuse_without_fork(what: str) -> None:
    """Raise ConfigError on a system that cannot fork processes."""
    if not hasattr(os, "fork"):
        raise ConfigError(f"{what} takes forked processes, which needs Linux: use single runs on one device")


def of_workers(count: int) -> list[dict[str, str]]:
    """What each of the workers of a job finds beside the environment of this process: nothing where it is alone."""
    if count == 1:
        return [{}]
    common = {"NODE_RANK": "0", "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    common["HOURGLASS_FORKED"] = "1"
    return [common | {"LOCAL_RANK": str(rank)} for rank in range(count)]


def threads_each(processes: int) -> int | None:
    """Threads of each of so many processes at once, so that they do not fight for cores; None: torch's own choice."""
    if processes == 1 or "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, cores() // processes)


def wait_asleep() -> None:
    """Threads that wait for others of their process give up their core soon; call it before torch is imported.

    By default they keep it busy for milliseconds, which another process on the machine pays for tenfold, and they
    themselves, since what they wait for needs the core. What the user has chosen stays.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = SPINS


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def at_a_time(n_jobs: int) -> int:
    """Jobs that run at once, counted as joblib does: -1 is one a core."""
    return n_jobs if n_jobs > 0 else cores()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
