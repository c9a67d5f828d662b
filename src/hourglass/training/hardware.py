"""The devices that a run trains on, as `summary.json` names them, and the memory it takes."""

import math
import os
import platform
import shutil
import sys
from importlib.util import find_spec

import torch
from lightning.pytorch import Trainer

from hourglass.core.errors import ConfigError

try:
    import resource
except ModuleNotFoundError:  # not a POSIX system
    resource = None  # type: ignore[assignment]


OLDEST = (7, 0)
"""CUDA's compute capability of the first GPUs that Triton makes code for"""


def hardware(trainer: Trainer) -> dict[str, str | int]:
    """`device`, as people read it, and `devices`, how many of them."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"
    count = trainer.world_size
    return {"device": f"{count}× {name}" if count > 1 else name, "devices": count}


def refuse_to_compile(on_cpu: bool) -> None:
    """Raise ConfigError where `torch.compile` lacks what makes machine code of its own: g++, or Triton on a GPU."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if on_cpu and shutil.which(compiler) is None:
        raise ConfigError(
            f"trainer.compile=true needs a C++ compiler, and there is no {compiler}: install it, name another in the "
            "environment variable CXX, or use trainer.compile=false"
        )
    if not on_cpu and find_spec("triton") is None:
        raise ConfigError(
            "trainer.compile=true needs Triton on a GPU: pip install triton, or use trainer.compile=false"
        )
    if not on_cpu and torch.cuda.get_device_capability() < OLDEST:
        name = torch.cuda.get_device_name()
        raise ConfigError(f"trainer.compile=true needs a GPU that Triton knows, from 2018 on, and this is a {name}")


def peak_memory_bytes(trainer: Trainer) -> float:
    """The most allocated at once: by torch on the GPU where there is one, else by this process; NaN if not known."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if resource is None:
        return math.nan
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
