"""Interpolation and convolution in one: a transposed convolution with fewer taps than the two in turn.

Operators have a method `fused()` where their linear maps compose exactly into something cheaper. It returns a callable
with the arguments of `forward` and its values, the border included, whose weights are composed already. Only
`hourglass.metrics.cost` calls it, to count what a program would execute that fuses: training executes `forward`.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Size2d
from hourglass.nn.layers import pad_reflect
from hourglass.nn.operators.base import crop

UpCall = Callable[[Tensor, Size2d, Tensor | None], Tensor]


@torch.no_grad()
def interpolated_conv3(
    conv: nn.Conv2d, factor: int, mode: Literal["nearest", "bilinear"], padding: Literal["zeros", "reflect"]
) -> UpCall:
    """conv3(pad(crop(interpolate(y)))) as one transposed convolution of (L + 2)² taps, s pixels apart.

    L is how long the interpolation's response to one cell is: s for nearest, 2s or 2s - 1 for bilinear. So a pixel
    costs ((L + 2)/s)² products instead of 9: 4/9 of them for nearest at s = 2, where bilinear saves nothing, and 69 %
    for bilinear at s = 4. The transposed convolution sees the interpolation go on beyond the image: rows and columns at
    the border, 3 taps each, put there what conv3 really sees.
    """
    weight, reach = conv.weight, int(mode != "nearest")  # cells beyond the image that reach into it, repeated
    cell = F.pad(weight.new_ones(1, 1, 1, 1), (1, 1, 1, 1))
    response = F.interpolate(cell, scale_factor=float(factor), mode=mode)
    first, *_, last = response[0, 0].amax(0).gt(1e-5).nonzero().flatten().tolist()  # not what is 0 but for rounding
    response = F.pad(response[..., first : last + 1, first : last + 1], (2, 2, 2, 2))
    merged = F.conv2d(response, weight.reshape(-1, 1, 3, 3)).unflatten(1, weight.shape[:2])[0].transpose(0, 1)
    before = factor - first + 1 + reach * factor
    at_every_border = padding == "reflect" or reach > 0

    def call(y: Tensor, size: Size2d, index: Tensor | None = None) -> Tensor:
        around = F.pad(y, (1, 1, 1, 1), mode="replicate" if reach else "constant")
        x = crop(F.conv_transpose2d(around if reach else y, merged, conv.bias, factor, before), size)
        goes_on = F.interpolate(around, scale_factor=float(factor), mode=mode)[..., factor - 1 :, factor - 1 :]
        goes_on = crop(goes_on, (size[0] + 2, size[1] + 2))
        image = goes_on[..., 1:-1, 1:-1]
        border = (pad_reflect(image, 1, 1) if padding == "reflect" else F.pad(image, (1, 1, 1, 1))) - goes_on
        if at_every_border:
            x[..., :1, :] += F.conv2d(border[..., :1, :], weight[:, :, :1])
            x[..., :1] += F.conv2d(border[..., 1:-1, :1], weight[..., :1], padding=(1, 0))
        if at_every_border or size[0] < y.shape[-2] * factor:
            x[..., -1:, :] += F.conv2d(border[..., -1:, :], weight[:, :, 2:])
        if at_every_border or size[1] < y.shape[-1] * factor:
            x[..., -1:] += F.conv2d(border[..., 1:-1, -1:], weight[..., 2:], padding=(1, 0))
        return x

    return call
