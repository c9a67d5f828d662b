"""What is shown: one picture, and what each network makes of it as training goes on; and the numbers beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hourglass.metrics import HarmonicPeak
from hourglass.metrics.reconstruction import psnr

LOWEST = -40.0
"""dB, of a spectrum that is 0 there"""


class Look(NamedTuple):
    """What a network makes of the picture at one time of its training."""

    time: int
    """Steps or epochs; 0: untrained"""
    output: Tensor
    """(C, H, W) in [0, 1]"""


@dataclass(frozen=True)
class Row:
    """One network."""

    name: str
    note: str
    """What to know of it: its size, and what reaches its decoder beside the code"""
    strides: tuple[int, ...]
    """Of its stages, against the image"""
    looks: list[Look]
    """By time, the untrained one first"""

    def at(self, time: int) -> Tensor:
        """(C, H, W): the newest output of that time."""
        return next(look.output for look in reversed(self.looks) if look.time <= time)


@dataclass(frozen=True)
class Story:
    target: Tensor
    """(C, H, W) in [0, 1]: the picture"""
    what: str
    """The picture in words"""
    how: str
    """How the networks were trained"""
    unit: str
    """Of the times: step, epoch"""
    rows: list[Row]

    @property
    def times(self) -> list[int]:
        """At which any of the networks was looked at."""
        return sorted({look.time for row in self.rows for look in row.looks})

    def when(self, time: int) -> str:
        """`untrained`, `1 step`, `256 steps`, `epoch 4`"""
        if time == 0:
            return "untrained"
        return f"epoch {time}" if self.unit == "epoch" else f"{time:,} {self.unit}{'s' if time > 1 else ''}"

    def errors(self, output: Tensor) -> tuple[float, float]:
        """(mean squared error, PSNR in dB) of an output."""
        mse = (output.double() - self.target.double()).square().mean()
        return mse.item(), psnr(mse).item()


class Spectrum(NamedTuple):
    """The power of an image by frequency: |FFT2(hann·(y - mean))|², summed over channels."""

    decibels: Tensor
    """(h, w): over its mean, at least LOWEST, whole periods of the strides; rolled so that the constant and all marked
    frequencies lie inside"""
    marks: dict[int, list[tuple[float, float]]]
    """Stride -> (row, column) of its harmonics, which the smaller strides do not have, in pixels of `decibels`"""
    peaks: dict[int, float]
    """Stride -> `HarmonicPeak` of the image, dB"""


def spectrum(image: Tensor, strides: Sequence[int]) -> Spectrum | None:
    """Of an image (C, H, W), with the harmonics of the two smallest strides whose neighbours it can hold.

    None where it holds no stride's.
    """
    size = (image.shape[1], image.shape[2])
    fitting = [stride for stride in sorted(set(strides))[:2] if min(size) >= 4 * stride]
    if not fitting:
        return None
    metrics = {stride: HarmonicPeak(stride, size) for stride in fitting}
    power = metrics[fitting[-1]].powers(image[None])[0]
    height, width = power.shape
    down, right = round(3 / 8 * height), round(3 / 8 * width)
    level = 10 * (power / power.mean().clamp(min=1e-30)).clamp(min=10 ** (LOWEST / 10)).log10()
    marks: dict[int, list[tuple[float, float]]] = {}
    for stride in fitting:
        places = [
            ((a * height // stride + down) % height, (b * width // stride + right) % width)
            for a in range(stride) for b in range(stride) if a or b
        ]  # fmt: skip
        marks[stride] = [place for place in places if not any(place in other for other in marks.values())]
    peaks = {}
    for stride, metric in metrics.items():
        metric.update(image[None])
        peaks[stride] = metric.compute().item()
    return Spectrum(level.roll((down, right), (0, 1)), marks, peaks)


def decibels(value: float) -> str:
    """`+31 dB`"""
    return f"{round(value):+d} dB" if round(value) else "0 dB"


def as_rgb(image: Tensor) -> Tensor:
    """(C, H, W) in [0, 1] -> (H, W, 3) uint8; of a number of channels that is not 1 or 3 the first is shown."""
    shown = image if len(image) == 3 else image[:1].expand(3, -1, -1)
    return shown.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
