"""What the panels of a card show: responses of the untrained operator, as arrays.

"Fine" is the grid of the image side, "coarse" that of the code. A Down is shown on the fine grid too, read backwards
through its gradient: the gradient of a way down is a way up, with its own overlap and its own checkerboard. Random
inputs and weights come from fixed seeds.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from hourglass.data import picture_files
from hourglass.data.fitting import fitted
from hourglass.report.cards.variants import CHANNELS, FACTOR, Variant, positions

COARSE = 8
FINE = COARSE * FACTOR
MIDDLE = slice(FINE // 2 - 2, FINE // 2 + 2)
MARGIN = 2
"""Coarse pixels on each side that the border may spoil."""
BINS, DRAWS, IMAGES = 32, 4, 4
"""Side of the spectra; initialisations and images that they are a mean of."""

PICTURE = 96
"""Side of a picture of the user's own, pixels"""

Call = Callable[..., Tensor]

Panels = dict[str, Tensor]
"""What a card shows of one variant, by title, from left to right.

- impulse response, seen by one value: (16, 16), centred, largest magnitude 1
- values per pixel: (4, 4) fine pixels in the middle; how many coarse values each is made of, or contributes to
- flat field in, gradient of flat: (16, 16), a typical channel less the mean of its interior, over the RMS of all
- step edge in: (2, 16), two neighbouring rows, or two edges, over the RMS of the response to a flat field
- picture in: (H, W), the typical channel for a picture in all channels, over its RMS for a flat field
- spectrum, power: (BINS, BINS), dB over the mean, DC at (BINS/4, BINS/4)
"""


def probe(variant: Variant, picture: Tensor | None = None) -> Panels:
    """With a grey `picture` (H, W) in [0, 1] what the operator makes of it, too."""
    panels = _up(variant) if variant.group == "decoder" else _down(variant)
    return panels if picture is None else panels | {"picture in": passed(variant, picture)}


def read_picture(path: Path) -> Tensor:
    """(PICTURE, PICTURE), grey: the central square of a picture; raises DataError where the file is none."""
    return fitted(torch.from_numpy(picture_files.read(path, 1).pixels), PICTURE, PICTURE, "crop")[0]


@torch.no_grad()
def passed(variant: Variant, picture: Tensor) -> Tensor:
    """The panel `picture in`; an Up gets every FACTOR-th pixel's mean, so that all panels are as large as the picture
    or smaller."""
    up = variant.group == "decoder"
    given = F.avg_pool2d(picture.double()[None], FACTOR)[0] if up else picture.double()
    call = call_of(variant, 0, len(given))
    channel, unit = typical(call(flat(len(given))), MARGIN * (FACTOR if up else 1))
    return call(given.expand(1, CHANNELS, -1, -1))[0, channel] / unit


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def white(n: int, side: int, seed: int) -> Tensor:
    """(n, C, side, side), N(0, 1)"""
    return torch.randn(n, CHANNELS, side, side, generator=seeded(seed), dtype=torch.float64)


def smooth(n: int, side: int, seed: int) -> Tensor:
    """(n, C, side, side): amplitude 1/f, mean 1, standard deviation 1; closer than noise to the input of a stage."""
    rows, columns = torch.fft.fftfreq(side, dtype=torch.float64), torch.fft.rfftfreq(side, dtype=torch.float64)
    frequency = torch.hypot(rows[:, None], columns)
    frequency[0, 0] = torch.inf
    field = torch.fft.irfft2(torch.fft.rfft2(white(n, side, seed)) / frequency, s=(side, side))
    return 1 + field / field.std((2, 3), correction=0, keepdim=True)


def flat(side: int) -> Tensor:
    return torch.ones(1, CHANNELS, side, side, dtype=torch.float64)


def call_of(variant: Variant, seed: int, side: int) -> Call:
    """The untrained operator for inputs of this side; where an Up needs positions, they are drawn once.

    The call ignores further arguments, so that it can take the place of an Up.
    """
    operator = variant.build(seed)
    if variant.group == "encoder":
        return lambda x, *_: operator(x.double())[0]
    index, size = positions(operator.needs_index, 1, side, seeded(seed)), (side * FACTOR, side * FACTOR)
    return lambda y, *_: operator(y.double(), size, None if index is None else index.expand(len(y), *index.shape[1:]))


def backward(call: Call, x: Tensor, at_output: Tensor) -> Tensor:
    """Gradient at x of the sum of call(x)·at_output."""
    with torch.enable_grad():
        x = x.requires_grad_()
        return torch.autograd.grad(call(x), x, at_output)[0]


def seen(call: Call) -> Tensor:
    """(C, C, FINE, FINE): what the value in the middle of each output channel sees of noise, as a gradient."""
    at_output = torch.zeros(CHANNELS, CHANNELS, COARSE, COARSE, dtype=torch.float64)
    at_output[range(CHANNELS), range(CHANNELS), COARSE // 2, COARSE // 2] = 1
    return backward(call, white(CHANNELS, FINE, 2), at_output)


def passed_power(variant: Variant) -> Tensor:
    """(BINS, BINS): power that an output value gets from each frequency of white noise."""
    gradients = torch.cat([seen(call_of(variant, seed, FINE)) for seed in range(DRAWS)])
    return torch.fft.fft2(gradients, s=(BINS, BINS)).abs().square().mean((0, 1))


def made_power(variant: Variant, field: Callable[[int, int, int], Tensor]) -> Tensor:
    """(BINS, BINS): mean |FFT2(hann·(x - mean))|² of the responses to a random field."""
    hann = torch.hann_window(BINS, dtype=torch.float64)
    weight, power = torch.outer(hann, hann), torch.zeros(BINS, BINS, dtype=torch.float64)
    for seed in range(DRAWS):
        x = call_of(variant, seed, BINS // FACTOR)(field(IMAGES, BINS // FACTOR, seed))
        mean = (weight * x).sum((2, 3), keepdim=True) / weight.sum()
        power += torch.fft.fft2(weight * (x - mean)).abs().square().mean((0, 1))
    return power


def decibels(power: Tensor) -> Tensor:
    """Power over its mean, -40 dB at least, rolled so that DC and all harmonics lie inside the picture."""
    return 10 * (power / power.mean()).clamp(min=1e-4).log10().roll((BINS // 4, BINS // 4), (0, 1))


def typical(response: Tensor, margin: int) -> tuple[int, Tensor]:
    """The channel of (1, C, H, W) whose interior is nearest in RMS to all of them, and what it is to be divided by.

    That is the RMS over all channels, negative where the mean of the channel is, so that cards are alike in sign.
    """
    interior = response[0, :, margin:-margin, margin:-margin]
    rms = interior.square().mean().sqrt()
    channel = int((interior.square().mean((1, 2)).sqrt() - rms).abs().argmin())
    return channel, rms if interior[channel].mean() > 0 else -rms


def ripple(response: Tensor, margin: int) -> Tensor:
    """The typical channel of (1, C, H, W), less its mean in the interior."""
    channel, unit = typical(response, margin)
    field = response[0, channel] / unit
    return field - field[margin:-margin, margin:-margin].mean()


def changes(call: Call, at: Tensor, pixels: Tensor) -> Tensor:
    """(K, H, W): share of the pairs of channels whose output changes with the input at each of the pixels (K, 2)."""
    channels = torch.arange(CHANNELS)
    nudged = at.repeat(len(pixels), CHANNELS, 1, 1, 1)
    for k, (row, column) in enumerate(pixels.tolist()):
        nudged[k, channels, channels, row, column] += 1e-3
    changed = (call(nudged.flatten(0, 1)) - call(at)).abs() > 1e-12
    return changed.unflatten(0, (-1, CHANNELS)).double().mean((1, 2))


def values_per_pixel(call: Call) -> Tensor:
    """(4, 4) pixels in the middle of what an Up makes: how many values of its input each is made of."""
    side = torch.arange(COARSE)
    return changes(call, white(1, COARSE, 1), torch.cartesian_prod(side, side)).sum(0)[MIDDLE, MIDDLE]


def values_reached(call: Call) -> Tensor:
    """(4, 4) pixels in the middle of what a Down gets: how many values of its output each contributes to."""
    side = torch.arange(FINE)[MIDDLE]
    return changes(call, white(1, FINE, 1), torch.cartesian_prod(side, side)).sum((1, 2)).view(4, 4)


@torch.no_grad()
def _up(variant: Variant) -> Panels:
    call = call_of(variant, 0, COARSE)
    impulse = torch.zeros(2, CHANNELS, COARSE, COARSE, dtype=torch.float64)
    impulse[0, 0, COARSE // 2, COARSE // 2] = 1
    stamp, silence = call(impulse)[:, 0]
    stamp = (stamp - silence).roll((1 - FACTOR, 1 - FACTOR), (0, 1))
    grey = call(flat(COARSE))
    channel, unit = typical(grey, MARGIN * FACTOR)
    edge = flat(COARSE)
    edge[..., : COARSE // 2] = 0
    return {
        "impulse response": stamp / stamp.abs().max(),
        "values per pixel": values_per_pixel(call),
        "flat field in": ripple(grey, MARGIN * FACTOR),
        "step edge in": call(edge)[0, channel, FINE // 2 : FINE // 2 + 2] / unit,
        "spectrum, noise in": decibels(made_power(variant, white)),
        "spectrum, smooth in": decibels(made_power(variant, smooth)),
    }


@torch.no_grad()
def _down(variant: Variant) -> Panels:
    call = call_of(variant, 0, FINE)
    stamp = seen(call)[0, 0].roll((1 - FACTOR, 1 - FACTOR), (0, 1))
    grey = call(flat(FINE * FACTOR))
    channel, unit = typical(grey, MARGIN)
    edges = flat(FINE * FACTOR).repeat(2, 1, 1, 1)
    for shift in (0, 1):
        edges[shift, ..., : FINE + shift] = 0
    return {
        "seen by one value": stamp / stamp.abs().max(),
        "values per pixel": values_reached(call),
        "flat field in": ripple(grey, MARGIN),
        "step edge in": call(edges)[:, channel, FINE // 2] / unit,
        "gradient of flat": ripple(backward(call, white(1, FINE, 1), flat(COARSE)), MARGIN * FACTOR),
        "power let through": decibels(passed_power(variant)),
    }
