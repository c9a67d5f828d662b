"""What the operators of `down.py` and `up.py` share: activations, padding, initialisation."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.spec import Activation, Init

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}


def activate(name: Activation) -> nn.Module:
    return ACTIVATIONS[name]()


def cells(n: int, factor: int) -> int:
    """ceil(n / factor): rows (or columns) that n pixels fill on a grid coarser by `factor`."""
    return -(-n // factor)


def pad_to_multiple(x: Tensor, factor: int) -> Tensor:
    """Repeat the last row and column until both sides of (N, C, H, W) are multiples of `factor`."""
    bottom, right = (-x.shape[-2]) % factor, (-x.shape[-1]) % factor
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x


def initialise(conv: nn.Conv2d | nn.ConvTranspose2d, init: Init, taps: float, gain: float = math.sqrt(2.0)) -> None:
    """Draw the weights of an operator's one learned convolution, in place.

    `matched`: Var(w) = gain² / taps and zero bias, where `taps` is the mean number of non-zero inputs that one output
    sums (a convolution: Ci·k²; a transposed one: Ci·k²/s²). Then every operator passes on the same power, and a
    comparison compares operators instead of PyTorch's defaults: those give 2.67 against 0.33 output variance to a
    transposed and a plain convolution of 32 -> 1 channels. `default`: PyTorch's own draw is left as it is.
    """
    if init == "matched":
        bound = gain * math.sqrt(3.0 / taps)
        nn.init.uniform_(conv.weight, -bound, bound)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
