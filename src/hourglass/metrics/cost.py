"""What a network costs before it is trained: parameters, multiply-adds, values and bits that the code holds."""

import math
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from hourglass.nn.autoencoder import Autoencoder


def of(autoencoder: Autoencoder) -> dict[str, float]:
    """Static costs; sizes, bits and multiply-adds are per image, sizes in values."""
    return {
        "num_params": sum(p.numel() for p in autoencoder.parameters()),
        "macs_per_image": macs(autoencoder),
        "image_size": math.prod(autoencoder.image_shape),
        "code_size": autoencoder.latent.code_size,
        "index_bits": round(autoencoder.index_bits),
    }


def macs(autoencoder: Autoencoder) -> int:
    """Multiply-adds of one forward pass of one image, in `eval` mode; the mode it had is restored."""
    device = next(autoencoder.parameters()).device
    training = autoencoder.training
    count = operator_macs(autoencoder.eval(), torch.zeros(1, *autoencoder.image_shape, device=device))
    autoencoder.train(training)
    return count


@torch.no_grad()
def operator_macs(operator: Callable[..., object], *inputs: object) -> int:
    """Multiply-adds of the call operator(*inputs), by torch's own flop counter (2 flops each).

    All convolutions and matrix products count, fixed filters too; sums, comparisons and interpolation are free.
    """
    with FlopCounterMode(display=False) as counter:
        operator(*inputs)
    return counter.get_total_flops() // 2
