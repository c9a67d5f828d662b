"""The untrained operators as numbers: what random weights do to a flat field, to white noise, and to a smooth field."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from hourglass.cards.probes import backward, call_of, passed_power, seeded, smooth, white
from hourglass.cards.variants import CHANNELS, FACTOR, Variant, positions, variants
from hourglass.metrics import HarmonicPeak, PhaseBias, PhaseErrorImbalance, flat_field_gain_share, high_pass

INITS, IMAGES, SIDE, BORDER, LARGEST_KERNEL = 20, 4, 16, 4, 6
"""Initialisations, images for each, side of the input, pixels of the output left out a side; kernels of the table."""

Numbers = dict[str, float]

EXPLANATION = f"""\
# The untrained operators in numbers

Made by `python scripts/untrained_layers.py --write`: one operator, {CHANNELS} to {CHANNELS} channels, {INITS} random
initialisations, input {SIDE}×{SIDE}, {BORDER} pixels left out at each side of the output. No training.

- **constant, gain share**: a field of ones goes in; the share of the output's power that is a pattern of period
  {FACTOR}. Random weights give every one of the s² phases its own gain, so (s² - 1)/s² = 0.75 is expected of any operator
  whose phases have weights of their own, whether its stamps overlap evenly or not; 0 is exact.
- **white, PEI**: noise goes in; how unequal the power of the phases is, (max - min)/(max + min). This is where uneven
  overlap shows: 4:2:2:1 gives 0.6, 9:6:6:4 gives 0.385. Equal phases come out near 0.02, from the draw of the weights.
- **white, HP**: the power at the harmonics of the stride over that of their neighbours, in dB; below 0 is a hole.
- **smooth, PB, HP and PEIhp**: the same for a field with amplitude 1/f, mean 1 and variance 1, which is nearer to what
  a stage sees: share of the variance that is a pattern of period {FACTOR}, harmonics in dB, and PEI of output - box3.

Definitions and sources: `hourglass.metrics`. Operators that need positions from an encoder get random ones:
max unpooling one of {FACTOR}×{FACTOR} pixels for each value, adaptive polyphase one grid for each image.
"""


def measure(variant: Variant) -> Numbers:
    return _measure_up(variant) if variant.group == "decoder" else _measure_down(variant)


@torch.no_grad()
def _measure_up(variant: Variant) -> Numbers:
    shares: list[Tensor] = []
    side = SIDE * FACTOR - 2 * BORDER
    imbalance = {field: PhaseErrorImbalance(FACTOR, BORDER) for field in ("white", "smooth")}
    peak = {field: HarmonicPeak(FACTOR, (side, side)) for field in ("white", "smooth")}
    bias = PhaseBias(FACTOR, BORDER)
    for seed in range(INITS):
        operator = variant.build(seed)
        index = positions(operator.needs_index, 1, SIDE, seeded(seed))
        shares.append(flat_field_gain_share(operator, CHANNELS, FACTOR, index))
        call = call_of(variant, seed, SIDE)
        noise, field = call(white(IMAGES, SIDE, seed)), call(smooth(IMAGES, SIDE, seed))
        imbalance["white"].update(noise)
        imbalance["smooth"].update(high_pass(field))
        bias.update(field)
        for name, x in {"white": noise, "smooth": field}.items():
            peak[name].update(x[..., BORDER:-BORDER, BORDER:-BORDER])
    return {
        "gain share": torch.stack(shares).mean().item(),
        "white PEI": imbalance["white"].compute().item(),
        "white HP": peak["white"].compute().item(),
        "smooth PB": bias.compute().item(),
        "smooth HP": peak["smooth"].compute().item(),
        "smooth PEIhp": imbalance["smooth"].compute().item(),
    }


def _measure_down(variant: Variant) -> Numbers:
    """The gain share of the gradient, and the share of the power that comes from frequencies above the new Nyquist."""
    shares = []
    for seed in range(INITS):
        call = call_of(variant, seed, SIDE)

        def gradient(y: Tensor, size: tuple[int, int], index: Tensor | None, call: Callable = call) -> Tensor:
            return backward(call, white(1, size[0], 1), y.double())

        shares.append(flat_field_gain_share(gradient, CHANNELS, FACTOR))
    power = passed_power(variant)
    frequency = torch.fft.fftfreq(len(power), dtype=torch.float64).abs()
    below = (frequency < 0.5 / FACTOR).double() + 0.5 * (frequency == 0.5 / FACTOR)
    kept = (power * torch.outer(below, below)).sum() / power.sum()
    return {"gradient gain share": torch.stack(shares).mean().item(), "aliased": 1 - kept.item()}


def number(value: float, digits: int) -> str:
    """Rounded; a bare 0 where it is exact."""
    return "0" if abs(value) < 1e-10 else f"{value:.{digits}f}"


DIGITS = {"gain share": 3, "white PEI": 3, "white HP": 1, "smooth PB": 4, "smooth HP": 1, "smooth PEIhp": 3}


def rows() -> Iterable[tuple[Variant, Numbers]]:
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
