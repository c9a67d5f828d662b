"""What the operators share: activations, borders, fixed filters, initialisation."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Shape
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


def activate(name: Activation) -> nn.Module:
    return ACTIVATIONS[name]()


def cells(n: int, factor: int) -> int:
    """ceil(n / factor): rows (or columns) that n pixels fill on a grid coarser by `factor`."""
    return -(-n // factor)


def overhang(kernel_size: int, factor: int) -> int:
    """ceil((k - s)/2), at least 0: by how much a k×k kernel on every s-th pixel begins before the image."""
    return max(-(-(kernel_size - factor) // 2), 0)


def pad_to_multiple(x: Tensor, factor: int) -> Tensor:
    """Repeat the last row and column until both sides of (N, C, H, W) are multiples of `factor`."""
    bottom, right = (-x.shape[-2]) % factor, (-x.shape[-1]) % factor
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x


def pad_reflect(x: Tensor, before: int, after: int) -> Tensor:
    """Mirror (N, C, H, W) at its border; where a side is too short for that, repeat the border's pixels."""
    mode = "reflect" if max(before, after) < min(x.shape[-2:]) else "replicate"
    return F.pad(x, (before, after, before, after), mode=mode)


def box_kernel(factor: int, order: int) -> Tensor:
    """(1, 1, L, L), sum 1: the box of s taps convolved with itself, `order` boxes in all, L = order·(s-1) + 1, in 2-D.

    At s = 2 these are the binomials: order 2 is [1, 2, 1], 3 is [1, 3, 3, 1]. The zeros of its spectrum lie at all
    multiples of 1/s, where aliases of DC would come from; and going by 4 equals going by 2 twice.
    """
    taps = torch.ones(1, 1, 1, dtype=torch.float64)
    for _ in range(order):
        taps = F.conv1d(taps, taps.new_full((1, 1, factor), 1 / factor), padding=factor - 1)
    return torch.outer(taps[0, 0], taps[0, 0])[None, None].to(torch.get_default_dtype())


def pixels(shape: Shape) -> int:
    """H·W of (C, H, W)."""
    return math.prod(shape[1:])


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
