"""The devices that a run trains on, as `summary.json` names them, and the memory it takes."""

import math
import platform

import torch
from lightning.pytorch import Trainer

try:
    import resource
except ModuleNotFoundError:  # not a POSIX system
    resource = None  # type: ignore[assignment]


def hardware(trainer: Trainer) -> dict[str, str | int]:
    """`device`, as people read it, and `devices`, how many of them."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"
    count = trainer.world_size
    return {"device": f"{count}× {name}" if count > 1 else name, "devices": count}


def peak_memory_bytes(trainer: Trainer) -> float:
    """The most allocated at once: by torch on the GPU where there is one, else by this process; NaN if not known."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if resource is None:
        return math.nan
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
