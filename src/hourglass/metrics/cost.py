"""What a result costs: parameters, multiply-adds, numbers in the code, memory; and the hardware it was measured on."""

import math

import torch
from torch.utils.flop_counter import FlopCounterMode

from hourglass.nn.autoencoder import Autoencoder


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
