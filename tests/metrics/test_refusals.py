"""Bad input to the metrics is refused in a sentence that names the cure."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from hourglass.metrics import (
    HarmonicPeak,
    PhaseBias,
    PhaseErrorImbalance,
    PhaseErrorVariation,
    RadialPowerSpectrum,
    ShiftConsistency,
    flat_field_gain_share,
    flat_field_ripple,
    high_pass,
)


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: PhaseBias(1), "2 or more"),
        (lambda: PhaseBias(2, border=-1), "border>=0"),
        (lambda: PhaseErrorImbalance(0), "2 or more"),
        (lambda: HarmonicPeak(1, (28, 28)), "2 or more"),
        (lambda: HarmonicPeak(8, (28, 28)), "32 pixels or more, or a smaller stride, or window=False"),
        (lambda: HarmonicPeak(16, (28, 28), window=False), "32 pixels or more, or a smaller stride$"),
        (lambda: HarmonicPeak(2, (28, 28)).update(torch.zeros(1, 1, 32, 32)), "same size"),
        (lambda: PhaseBias(2).update(torch.zeros(28, 28)), "N, C, H, W"),
        (lambda: PhaseBias(4).update(torch.zeros(1, 1, 7, 28)), "8 pixels or more"),
        (lambda: PhaseBias(4, border=3).update(torch.zeros(1, 1, 13, 28)), "14 pixels or more"),
        (lambda: PhaseErrorVariation(4).update(torch.zeros(1, 1, 28, 7)), "8 pixels or more"),
        (lambda: high_pass(torch.zeros(8, 8)), "N, C, H, W"),
        (lambda: RadialPowerSpectrum((28, 28), 1), "2 bins"),
        (lambda: RadialPowerSpectrum((28, 28), 200), "14 or fewer"),
        (lambda: RadialPowerSpectrum((28, 28), 8).update(torch.zeros(1, 1, 27, 28)), "same size"),
        (lambda: ShiftConsistency(0, 4), "shift>=1"),
        (lambda: ShiftConsistency(4, 2), "border of the shift or more"),
        (lambda: ShiftConsistency(2, 8).update(nn.Identity(), torch.zeros(1, 1, 16, 16)), "border below half"),
        (lambda: ShiftConsistency(2, 2).update(nn.MaxPool2d(2), torch.zeros(1, 1, 16, 16)), "size that it gets"),
        (lambda: flat_field_gain_share(lambda y, size, index: y, 4, 2), "not its own"),
        (lambda: flat_field_gain_share(lambda y, size, index: y, 4, 1), "2 or more"),
        (lambda: flat_field_ripple(lambda y, size, index: y, torch.zeros(1, 4, 8, 8), 1.0, 2), r"\(Ci,\)"),
    ],
)
def test_bad_input_names_the_cure(call: Callable[[], object], cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        call()
