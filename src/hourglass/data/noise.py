"""Random numbers as a pure function of a key and a position: a counter-based generator in integer operations.

Nothing is drawn from a global generator, so noise depends neither on batch size, order or number of devices nor on
where a run was interrupted, and CPU and GPU make the same bits. The hash is SplitMix64's finaliser (Steele et al.
2014).
"""

import hashlib
import math

import torch
from torch import Tensor

from hourglass.core.types import Shape


def _signed(x: int) -> int:
    """The int64 that has this 64-bit pattern."""
    return x - (1 << 64) if x >= 1 << 63 else x


GAMMA, MIX1, MIX2 = (_signed(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def seed_of(*parts: object) -> int:
    """A 63-bit seed from anything with a `repr`."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "little") >> 1


def _shift(z: Tensor, bits: int) -> Tensor:
    """Logical right shift of int64."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _mix(z: Tensor) -> Tensor:
    z = (z ^ _shift(z, 30)) * MIX1
    z = (z ^ _shift(z, 27)) * MIX2
    return z ^ _shift(z, 31)


def keys(seed: int, index: Tensor) -> Tensor:
    """One key per image, (N,) int64, from a seed and the positions of the images, (N,) int64."""
    return _mix(_mix(index * GAMMA + seed) + seed)


def _bits(key: Tensor, shape: Shape, stream: str) -> Tensor:
    """(N, *shape) of 64 random bits."""
    counter = torch.arange(1, math.prod(shape) + 1, device=key.device)
    start = _mix(key + seed_of(stream))
    return _mix(start[:, None] + counter * GAMMA).unflatten(1, shape)


def uniform(key: Tensor, shape: Shape, stream: str) -> Tensor:
    """(N, *shape) float32 uniform in [0, 1), 24 bits each; `stream` names the purpose: no two purposes share bits."""
    return _shift(_bits(key, shape, stream), 40).float() * 2.0**-24


def prior(seed: int, n: int, shape: Shape, device: torch.device | str) -> Tensor:
    """(n, *shape) standard normal: what samples of a run with this seed are drawn from, the first ones alike."""
    return normal(keys(seed_of("samples", seed), torch.arange(n, device=device)), shape, "prior")


def normal(key: Tensor, shape: Shape, stream: str) -> Tensor:
    """(N, *shape) float32 standard normal, by the Box-Muller transform; `stream` as in `uniform`."""
    bits = _bits(key, shape, stream)
    radius = (((bits & 0xFFFFFFFF).float() + 0.5) * 2.0**-32).log().mul(-2).sqrt()
    return radius * (_shift(bits, 32).float() * (2.0**-32 * 2 * math.pi)).cos()
