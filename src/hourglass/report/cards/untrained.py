"""The untrained operators as numbers: what random weights do to a flat field, to white noise, and to a smooth field."""

from functools import cache

import torch

from hourglass.metrics import HarmonicPeak, PhaseBias, PhaseErrorImbalance, flat_field_gain_share, high_pass
from hourglass.metrics.base import phases, ratio, whole_periods
from hourglass.metrics.cost import operator_macs
from hourglass.metrics.models import FLAT_CELLS
from hourglass.report.cards.probes import backward, call_of, flat, passed_power, smooth, white
from hourglass.report.cards.variants import CHANNELS, FACTOR, REFERENCE, Variant

INITS, IMAGES, SIDE, BORDER = 20, 4, FLAT_CELLS, 4
"""Initialisations, images for each, side of the input, pixels of the output left out on each side."""

Numbers = dict[str, float]


@cache
def measure(variant: Variant) -> Numbers:
    return _cost(variant) | (_measure_up(variant) if variant.group == "decoder" else _measure_down(variant))


def _cost(variant: Variant) -> Numbers:
    """Multiply-adds between a coarse grid of SIDE×SIDE and a fine one, and in units of the reference."""
    reference = Variant(variant.group, REFERENCE[variant.group], "", True)
    side = SIDE if variant.group == "decoder" else SIDE * FACTOR
    macs, unit = (operator_macs(call_of(v, 0, side), flat(side)) for v in (variant, reference))
    params = sum(parameter.numel() for parameter in variant.build(0).parameters())
    return {"params": params, "MACs": macs, "relative MACs": macs / unit}


@torch.no_grad()
def _measure_up(variant: Variant) -> Numbers:
    calls = [call_of(variant, seed, SIDE) for seed in range(INITS)]
    numbers = {"gain share": sum(flat_field_gain_share(c, CHANNELS, FACTOR).item() for c in calls) / INITS}
    side = SIDE * FACTOR - 2 * BORDER
    for name, field in {"white": white, "smooth": smooth}.items():
        imbalance, imbalance_hp = PhaseErrorImbalance(FACTOR, BORDER), PhaseErrorImbalance(FACTOR, BORDER)
        bias, peak = PhaseBias(FACTOR, BORDER), HarmonicPeak(FACTOR, (side, side))
        for seed, call in enumerate(calls):
            x = call(field(IMAGES, SIDE, seed))
            imbalance.update(x)
            imbalance_hp.update(high_pass(x))
            bias.update(x)
            peak.update(x[..., BORDER:-BORDER, BORDER:-BORDER])
        measures = {"PEI": imbalance, "PB": bias, "HP": peak, "PEIhp": imbalance_hp}
        numbers |= {f"{name} {key}": metric.compute().item() for key, metric in measures.items()}
    return numbers


def _measure_down(variant: Variant) -> Numbers:
    """How much of a flat gradient's power is a pattern, and how much power comes from above the new Nyquist."""
    noise, even = white(IMAGES, SIDE * FACTOR, 1), flat(SIDE).expand(IMAGES, -1, -1, -1)
    shares = []
    for seed in range(INITS):
        # gain share as of an Up, but over all power: the gradient of a maximum is noise of its own
        gradient = backward(call_of(variant, seed, SIDE), noise, even)
        gradient = phases(whole_periods(gradient, FACTOR, FACTOR * BORDER), FACTOR)
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
