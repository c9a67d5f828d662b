"""What networks and operators share: activations, borders, fixed filters, initialisation."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp import is_autocast_available

from hourglass.nn.contract import Activation, Init

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


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """In `eval` mode; afterwards in the mode that it had."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


@contextmanager
def exact_products(device: torch.device) -> Iterator[None]:
    """Products of matrices in the precision of their factors: without autocast, and without TF32."""
    if torch.compiler.is_compiling():  # what is exported has neither
        yield
        return
    autocast = torch.autocast(device.type, enabled=False) if is_autocast_available(device.type) else nullcontext()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with autocast:
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def activate(name: Activation) -> nn.Module:
    return ACTIVATIONS[name]()


def cells(n: int, factor: int) -> int:
    """ceil(n / factor): how many rows (or columns) n pixels fill on a grid coarser by `factor`."""
    return -(-n // factor)


def pad_to_multiple(x: Tensor, factor: int) -> Tensor:
    """Repeat the last row and column until both sides of (N, C, H, W) are multiples of `factor`."""
    bottom, right = (-x.shape[-2]) % factor, (-x.shape[-1]) % factor
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x


def pad_reflect(x: Tensor, before: int, after: int) -> Tensor:
    """Reflect (N, C, H, W) at its border; where a side is too short for that, replicate the border instead."""
    mode = "reflect" if all(max(before, after) < side for side in x.shape[-2:]) else "replicate"
    return F.pad(x, (before, after, before, after), mode=mode)


def box_kernel(factor: int, order: int) -> Tensor:
    """(1, 1, L, L), sum 1: `order` boxes of s taps convolved with each other, L = order·(s-1) + 1, separable in 2-D.

    At s = 2 these are the binomials: order 2 is [1, 2, 1]/4, order 3 is [1, 3, 3, 1]/8. The spectrum is zero at every
    multiple of 1/s, where the aliases of DC would come from; and one step by 4 equals two steps by 2.
    """
    taps = torch.ones(1, 1, 1, dtype=torch.float64)
    for _ in range(order):
        taps = F.conv1d(taps, taps.new_full((1, 1, factor), 1 / factor), padding=factor - 1)
    return torch.outer(taps[0, 0], taps[0, 0])[None, None].to(torch.get_default_dtype())


def initialise(conv: nn.Conv2d | nn.ConvTranspose2d, init: Init, taps: float, gain: float = math.sqrt(2.0)) -> None:
    """Draw the weights of an operator's one learned convolution, in place.

    `matched`: Var(w) = gain² / taps and zero bias, where `taps` is the mean number of non-zero inputs that one output
    sums (a convolution: Ci·k²; a transposed one: Ci·k²/s²). Every operator then passes on the same power, so that a
    comparison is about the operators and not about PyTorch's defaults: from 32 to 1 channels these give a transposed
    convolution an output variance of 2.67 and a plain one 0.33. `measured`: drawn as `matched`, and those of the ways
    up scaled later, on images. `default`: PyTorch's own draw is left as it is.
    """
    if init != "default":
        bound = gain * math.sqrt(3.0 / taps)
        nn.init.uniform_(conv.weight, -bound, bound)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
