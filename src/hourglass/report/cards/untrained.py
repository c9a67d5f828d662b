"""The untrained operators as numbers: what random weights do to a flat field, to white noise, and to a smooth field."""

from collections.abc import Iterator
from functools import cache

import torch

from hourglass.metrics import HarmonicPeak, PhaseBias, PhaseErrorImbalance, flat_field_gain_share, high_pass
from hourglass.metrics.base import crop, phases, ratio
from hourglass.metrics.models import FLAT_CELLS
from hourglass.report.cards.probes import Call, backward, call_of, flat, passed_power, smooth, white
from hourglass.report.cards.variants import CHANNELS, FACTOR, Variant, variants

INITS, IMAGES, SIDE, BORDER, LARGEST_KERNEL = 20, 4, FLAT_CELLS, 4, 6
"""Initialisations, images for each, side of the input, pixels of the output left out a side; kernels of the table."""

Numbers = dict[str, float]

EXPLANATION = f"""\
# The untrained operators in numbers

Made by `python tools/untrained_layers.py --write`: one operator, {CHANNELS} to {CHANNELS} channels, {INITS} random
initialisations, input {SIDE}×{SIDE}, {BORDER} pixels left out at each side of the output. No training.

- **constant, gain share**: ones go in; the share of the output's power that is a pattern of period {FACTOR}. Random
  weights give every one of the s² phases its own gain, so (s² - 1)/s² = 0.75 is expected of any operator whose phases
  have weights of their own, whether its stamps overlap evenly or not. A bare 0 is exact, here and below.
- **white, PEI**: noise goes in; how unequal the power of the phases is, (max - min)/(max + min). This is where uneven
  overlap shows: 4:2:2:1 gives 0.6, 9:6:6:4 gives 0.385. Equal phases come out below 0.03, from the draw of the weights.
- **white, HP**: the power at the harmonics of the stride over that of their neighbours, in dB; below 0 is a hole.
- **smooth, PB, HP and PEIhp**: a field with amplitude 1/f, mean 1 and variance 1 goes in, which is nearer to what a
  stage sees: share of the variance that is a pattern of period {FACTOR}, harmonics in dB, and PEI of output - box3.

Definitions and sources: `hourglass.metrics`. Operators that need positions from an encoder get random ones: max
unpooling one of {FACTOR}×{FACTOR} pixels for each value, so that its gain share falls with the size of the field;
adaptive polyphase one grid for each initialisation, so that its PEI, 0.6 for each, evens out over them.
"""


@cache
def measure(variant: Variant) -> Numbers:
    return _measure_up(variant) if variant.group == "decoder" else _measure_down(variant)


@torch.no_grad()
def _measure_up(variant: Variant) -> Numbers:
    shares: list[float] = []
    side = SIDE * FACTOR - 2 * BORDER
    imbalance = {field: PhaseErrorImbalance(FACTOR, BORDER) for field in ("white", "smooth")}
    peak = {field: HarmonicPeak(FACTOR, (side, side)) for field in ("white", "smooth")}
    bias = PhaseBias(FACTOR, BORDER)
    for seed in range(INITS):
        call = call_of(variant, seed, SIDE)
        shares.append(_gain_share(call))
        noise, field = call(white(IMAGES, SIDE, seed)), call(smooth(IMAGES, SIDE, seed))
        imbalance["white"].update(noise)
        imbalance["smooth"].update(high_pass(field))
        bias.update(field)
        for name, x in {"white": noise, "smooth": field}.items():
            peak[name].update(x[..., BORDER:-BORDER, BORDER:-BORDER])
    return {
        "gain share": sum(shares) / INITS,
        "white PEI": imbalance["white"].compute().item(),
        "white HP": peak["white"].compute().item(),
        "smooth PB": bias.compute().item(),
        "smooth HP": peak["smooth"].compute().item(),
        "smooth PEIhp": imbalance["smooth"].compute().item(),
    }


def _gain_share(call: Call) -> float:
    return flat_field_gain_share(lambda y, size, index: call(y.double()), CHANNELS, FACTOR).item()


def _measure_down(variant: Variant) -> Numbers:
    """How much of a flat gradient's power is a pattern, and how much power comes from above the new Nyquist."""
    noise, even = white(IMAGES, SIDE * FACTOR, 1), flat(SIDE).expand(IMAGES, -1, -1, -1)
    shares = []
    for seed in range(INITS):
        # gain share as of an Up, but over all power: the gradient of a maximum is noise of its own
        gradient = backward(call_of(variant, seed, SIDE), noise, even)
        gradient = phases(crop(gradient, FACTOR, FACTOR * BORDER), FACTOR)
        pattern = gradient.mean((2, 4)).var((2, 3), correction=0)
        shares.append(ratio(pattern.sum(), gradient.square().mean((2, 3, 4, 5)).sum()).item())
    power = passed_power(variant)
    frequency = torch.fft.fftfreq(len(power), dtype=torch.float64).abs()
    below = (frequency < 0.5 / FACTOR).double() + 0.5 * (frequency == 0.5 / FACTOR)
    kept = (power * torch.outer(below, below)).sum() / power.sum()
    return {"gradient pattern": sum(shares) / INITS, "aliased": 1 - kept.item()}


def number(value: float, digits: int) -> str:
    """Rounded; a bare 0 where it is exact, and never -0."""
    return "0" if abs(value) < 1e-10 else f"{round(value, digits) + 0.0:.{digits}f}"


def decibels(value: float, digits: int) -> str:
    return number(value, digits) if round(value, digits) <= 0 else f"+{value:.{digits}f}"


DIGITS = {"gain share": 3, "white PEI": 3, "white HP": 1, "smooth PB": 4, "smooth HP": 1, "smooth PEIhp": 3}


def rows() -> Iterator[tuple[Variant, Numbers]]:
    for operator in variants("decoder", LARGEST_KERNEL):
        for variant in operator:
            yield variant, measure(variant)


def table() -> str:
    """Markdown: a row for each operator of `conf/decoder` and each value of its options."""
    lines = [
        "| operator | constant: gain share | white: PEI | HP, dB | smooth: PB | HP, dB | PEIhp |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for variant, numbers in rows():
        values = (number(numbers[name], digits) for name, digits in DIGITS.items())
        lines.append(f"| `{variant}` | {' | '.join(values)} |")
    return "\n".join(lines)


def page() -> str:
    return f"{EXPLANATION}\n{table()}\n"
