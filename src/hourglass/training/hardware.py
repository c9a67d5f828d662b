"""What a result costs: parameters, multiply-adds, numbers in the code, memory; and the hardware it was measured on."""

import platform
import resource

import torch
from lightning.pytorch import Trainer


def peak_memory_bytes(trainer: Trainer) -> int:
    """Of the device where it is a GPU, else of this whole process."""
    if trainer.strategy.root_device.type == "cuda":
        return torch.cuda.max_memory_allocated(trainer.strategy.root_device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def hardware(trainer: Trainer) -> dict[str, str | int]:
    device = trainer.strategy.root_device
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"
    return {
        "device": f"{trainer.world_size}× {name}" if trainer.world_size > 1 else name,
        "devices": trainer.world_size,
    }
