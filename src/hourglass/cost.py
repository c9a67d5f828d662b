"""What a result costs: parameters, multiply-adds, numbers in the code, memory; and the hardware it was measured on."""

import math
import platform
import resource

import torch
from lightning.pytorch import Trainer
from torch.utils.flop_counter import FlopCounterMode

from hourglass.autoencoder import Autoencoder


def of(autoencoder: Autoencoder) -> dict[str, float]:
    """Static costs. `macs_per_image`: multiply-adds of one forward pass, by torch's own flop counter (2 flops each)."""
    return {
        "num_params": sum(p.numel() for p in autoencoder.parameters()),
        "macs_per_image": macs(autoencoder),
        "image_numbers": math.prod(autoencoder.image_shape),
        "code_numbers": autoencoder.latent.numbers,
        "index_bits": round(autoencoder.index_bits),
    }


@torch.no_grad()
def macs(autoencoder: Autoencoder) -> int:
    device = next(autoencoder.parameters()).device
    training = autoencoder.training
    with FlopCounterMode(display=False) as counter:
        autoencoder.eval()(torch.zeros(1, *autoencoder.image_shape, device=device))
    autoencoder.train(training)
    return counter.get_total_flops() // 2


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
