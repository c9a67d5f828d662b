"""Metrics of a model or an operator: they take it as a callable, and call it."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Size2d
from hourglass.metrics.base import Sums, check_stride, phases, ratio, whole_periods

UpCall = Callable[[Tensor, Size2d, Tensor | None], Tensor]

FLAT_CELLS, FLAT_MARGIN = 16, 4
"""Side of a flat field, and the margin on each side that the border may spoil; input pixels."""


class ShiftConsistency(Sums):
    """SC_d = -10 log10 mean (f(T x) - T f(x))² in dB for pixels in [0, 1], over T = shifts by (d, 0), (0, d), (d, d).

    Higher is better, inf is exact. T moves an image down and right, keeps its size, and fills with zeros. The mean
    leaves out `border` pixels on each side: use `shift` + the model's receptive radius or more. `pad` puts that many
    zeros around the images first, for models that take any size. The model is called in its current mode: set `eval`.
    Who knows its `output` for the padded images gives it to `update`.
    Source: Zhang 2019 and EQ-T of StyleGAN3; the set of shifts and the border are ours.
    """

    higher_is_better = True
    squared_error: Tensor
    count: Tensor

    def __init__(self, shift: int, border: int, pad: int = 0) -> None:
        if shift < 1 or border < shift or pad < 0:
            raise ValueError(
                f"shift={shift}, border={border}, pad={pad}: use shift>=1, pad>=0, and a border of the shift or more, "
                "since the shift brings in that many rows of zeros"
            )
        super().__init__(f"shift_consistency_{shift}_{border}_{pad}", {"squared_error": (), "count": ()})
        self.shift, self.border, self.pad = shift, border, pad

    def update(self, model: Callable[[Tensor], Tensor], images: Tensor, output: Tensor | None = None) -> None:
        x = F.pad(images, (self.pad,) * 4)
        y, d, b = model(x) if output is None else output, self.shift, self.border
        if y.ndim != 4 or y.shape[-2:] != x.shape[-2:] or min(y.shape[-2:]) <= 2 * b:
            raise ValueError(
                f"no interior to compare: images {tuple(x.shape)}, outputs {tuple(y.shape)}, border {b}: use a model "
                "that returns images (N, C, H, W) of the size that it gets, and a border below half of it"
            )
        for down, right in ((d, 0), (0, d), (d, d)):
            move = (right, -right, down, -down)  # a negative pad crops
            error = (model(F.pad(x, move)).double() - F.pad(y, move).double())[..., b:-b, b:-b]
            self.squared_error = self.squared_error + error.square().sum()
            self.count = self.count + error.numel()

    def compute(self) -> Tensor:
        return -10 * (self.squared_error / self.count).log10()


def flat_field_ripple(
    up: UpCall, mean_activation: Tensor, output_std: Tensor | float, factor: int, index: Tensor | None = None
) -> Tensor:
    """FFR = std of the phase means / std of the real outputs, >= 0, RMS over channels; 0: a flat field stays flat.

    `up(y, size, index)` gets a flat field of 16×16 pixels at `mean_activation` (Ci,), the mean over the data set; only
    the interior of its response counts. `output_std` is a number or (Co,). `index`, for operators that need one, is
    (1, Ci, 16, 16).
    Exactly 0 for any resize + convolution. Source: ours, the condition of Sugawara et al. 2018 as a number.
    """
    gain = _flat_response(up, mean_activation, factor, index)
    spread = torch.as_tensor(output_std, dtype=gain.dtype, device=gain.device).square().mean()
    return ratio(gain.var((1, 2), correction=0).mean(), spread).sqrt()


def flat_field_gain_share(up: UpCall, in_channels: int, factor: int, index: Tensor | None = None) -> Tensor:
    """Σ_c var_p g / Σ_c (mean_p² g + var_p g) in [0, 1], g_p the response to ones less the response to zeros.

    Expectation for zero-mean independent weights: (s² - 1)/s², overlap or not; 0 for resize + convolution and ICNR.
    """
    parameter = next(up.parameters(), None) if isinstance(up, nn.Module) else None
    ones = torch.ones(in_channels) if parameter is None else parameter.new_ones(in_channels)
    gain = _flat_response(up, ones, factor, index) - _flat_response(up, 0 * ones, factor, index)
    return ratio(gain.var((1, 2), correction=0).sum(), gain.square().mean((1, 2)).sum())


@torch.no_grad()
def _flat_response(up: UpCall, activation: Tensor, factor: int, index: Tensor | None) -> Tensor:
    """Phase means (Co, s, s) of the interior of `up`'s response to a field that is `activation` (Ci,) everywhere."""
    check_stride(factor)
    if activation.ndim != 1:
        raise ValueError(f"expected activations (Ci,), got {tuple(activation.shape)}: average the other dimensions")
    size = (FLAT_CELLS * factor, FLAT_CELLS * factor)
    y = up(activation[None, :, None, None].repeat(1, 1, FLAT_CELLS, FLAT_CELLS), size, index)
    if y.shape[-2:] != size:
        raise ValueError(
            f"the operator made {tuple(y.shape[-2:])} pixels and not {size}: factor={factor} is not its own"
        )
    return phases(whole_periods(y, factor, FLAT_MARGIN * factor), factor).mean((2, 4))[0]
