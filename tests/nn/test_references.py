"""Operators against other libraries and against their definitions written out, in float64."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from helpers.exact import down, equal, noise, pass_through, same_weights, up
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.encoders import ConvEncoder
from hourglass.nn.layers import box_kernel
from hourglass.nn.operators.blur import BlurPool, MaxBlurPool, Smooth
from hourglass.nn.operators.dynamic import Carafe, DySample
from hourglass.nn.operators.pixel_shuffle import SpaceToDepth
from hourglass.nn.operators.polyphase import PolyphaseDown, PolyphaseUp
from hourglass.nn.operators.pooling import MaxPool
from hourglass.nn.operators.resize import AntialiasResize, BilinearAdditive, Resize
from hourglass.nn.operators.strided import Strided, Subsample, Transpose


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5])
def test_the_zero_order_hold_lengthens_the_stamp_by_a_box(kernel_size: int) -> None:
    transposed, y = up(Transpose, 3, 5, bias=False, kernel_size=kernel_size), noise(2, 3, 6, 7)
    box = torch.full((1, 1, 2, 2), 0.5, dtype=torch.float64)  # 1/s each
    longer = F.conv2d(transposed.conv.weight.data.reshape(15, 1, kernel_size, kernel_size), box, padding=1)
    longer = longer.reshape(3, 5, kernel_size + 1, kernel_size + 1)
    expected = F.conv_transpose2d(y, longer, stride=2, padding=-(-(kernel_size - 2) // 2))[..., :12, :14]
    equal(Smooth(transposed)(y, (12, 14))[..., 1:, 1:], expected[..., 1:, 1:])


def test_bilinear_additive_sums_neighbouring_channels() -> None:
    operator, y = pass_through(up(BilinearAdditive, 8, 2)), noise(2, 8, 6, 7)
    wide = F.interpolate(y, size=(12, 14), mode="bilinear")
    equal(operator(y, (11, 14)), torch.stack((wide[:, :4].sum(1), wide[:, 4:].sum(1)), 1)[..., :11, :])


@pytest.mark.parametrize("factor", [2, 4])
def test_dysample_without_offsets_is_bilinear_resize(factor: int) -> None:
    operator, y = up(DySample, 8, 3, factor), noise(2, 8, 6, 7)
    nn.init.zeros_(operator.offset.weight)
    resize = same_weights(up(Resize, 8, 3, factor, mode="bilinear", padding="zeros"), operator.conv.weight.data)
    size = (6 * factor - 1, 7 * factor)
    equal(operator(y, size), resize(y, size))


def test_dysample_moves_its_points_by_a_quarter_of_the_offset() -> None:
    operator, y = pass_through(up(DySample, 4, 4)), noise(2, 4, 6, 7)
    nn.init.zeros_(operator.offset.weight)
    operator.offset.bias.data = torch.tensor([4.0, 8.0], dtype=torch.float64).repeat(4).repeat_interleave(4)
    still = F.interpolate(y, size=(12, 14), mode="bilinear")
    equal(operator(y, (12, 14))[..., 1:7, 1:11], still[..., 5:11, 3:13])  # 1 pixel of y to the right, 2 down


@pytest.mark.parametrize("factor", [2, 4])
def test_carafe_with_equal_weights_is_a_box_mean_and_nearest(factor: int) -> None:
    operator, y = pass_through(up(Carafe, 3, 3, factor)), noise(2, 3, 6, 7)
    nn.init.zeros_(operator.encode.weight)
    mean = F.avg_pool2d(y, 5, stride=1, padding=2)
    expected = F.interpolate(mean, scale_factor=float(factor), mode="nearest")
    equal(operator(y, (6 * factor, 7 * factor)), expected)


def test_carafe_can_pick_a_neighbour_for_each_phase() -> None:
    operator, y = pass_through(up(Carafe, 3, 3)), noise(2, 3, 6, 7)
    nn.init.zeros_(operator.encode.weight)
    weights = torch.zeros(25, 4).double()
    weights[12, 0] = weights[13, 1] = weights[17, 2] = weights[18, 3] = 1000.0  # (0, 0), (0, 1), (1, 0), (1, 1)
    operator.encode.bias.data = weights.flatten()
    right, below = F.pad(y, (-1, 1)), F.pad(y, (0, 0, -1, 1))
    corner = F.pad(y, (-1, 1, -1, 1))
    expected = F.pixel_shuffle(torch.stack((y, right, below, corner), 2).flatten(1, 2), 2)
    equal(operator(y, (12, 14)), expected)


def test_max_pooling_is_the_maximum_of_unfolded_windows() -> None:
    operator, x = down(MaxPool, 3, 5), noise(2, 3, 12, 14)
    windows = F.unfold(operator.conv(x), 2, stride=2).view(2, 5, 4, 6, 7)
    equal(operator(x)[0], windows.amax(2))


def test_subsample_is_strided_the_long_way() -> None:
    subsample, x = down(Subsample, 3, 5), noise(2, 3, 13, 14)
    equal(subsample(x)[0], same_weights(down(Strided, 3, 5, kernel_size=None), subsample.conv.weight.data)(x)[0])


@pytest.mark.parametrize("factor", [2, 4])
def test_space_to_depth_is_a_strided_convolution_without_overlap(factor: int) -> None:
    operator, x = down(SpaceToDepth, 3, 5, factor), noise(2, 3, 16, 24)
    kernel = operator.conv.weight.data.view(5, 3, factor, factor)
    strided = nn.Conv2d(3, 5, factor, stride=factor).double()
    strided.weight.data, strided.bias = kernel, operator.conv.bias
    equal(operator(x)[0], strided(x))


@pytest.mark.parametrize(("taps", "expected"), [(3, [1, 2, 1]), (4, [1, 3, 3, 1]), (5, [1, 4, 6, 4, 1])])
def test_the_blurs_are_binomial(taps: int, expected: list[int]) -> None:
    kernel = torch.tensor(expected, dtype=torch.float64) / 2 ** (taps - 1)
    equal(box_kernel(2, taps - 1)[0, 0].double(), torch.outer(kernel, kernel))
    twice = F.conv_transpose2d(box_kernel(2, taps - 1), torch.ones(1, 1, 1, 1), stride=2)  # the second, spread out
    twice = F.conv2d(twice, box_kernel(2, taps - 1), padding=taps - 1)
    torch.testing.assert_close(box_kernel(4, taps - 1), twice)


@pytest.mark.parametrize("taps", [3, 5])
def test_blur_pooling_agrees_with_timm(taps: int) -> None:
    timm = pytest.importorskip("timm.layers")  # its 4 taps stand one pixel further left than ours and kornia's
    operator = pass_through(down(BlurPool, 3, 3, taps=taps))
    for size in ((12, 14), (13, 15)):
        x = noise(2, 3, *size)
        equal(operator(x)[0], timm.BlurPool2d(3, taps, 2).double()(x))


@pytest.mark.parametrize("taps", [3, 4, 5])
def test_blur_pooling_agrees_with_kornia(taps: int) -> None:
    filters = pytest.importorskip("kornia.filters")
    x = noise(2, 3, 16, 18)
    blurred, maximum = pass_through(down(BlurPool, 3, 3, taps=taps)), pass_through(down(MaxBlurPool, 3, 3, taps=taps))
    equal(blurred(x)[0][..., 1:-1, 1:-1], filters.blur_pool2d(x, taps)[..., 1:-1, 1:-1])  # kornia pads zeros
    equal(maximum(x)[0][..., 1:-2, 1:-2], filters.max_blur_pool2d(x, taps)[..., 1:-2, 1:-2])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("factor", [2, 4])
def test_antialias_resize_agrees_with_pillow(mode: str, factor: int) -> None:
    operator, x = pass_through(down(AntialiasResize, 1, 1, factor, mode=mode)).float(), torch.rand(1, 1, 25, 30)
    size = (math.ceil(30 / factor), math.ceil(25 / factor))  # Pillow: width first
    resized = Image.fromarray(x[0, 0].numpy()).resize(size, Image.Resampling[mode.upper()])
    expected = torch.from_numpy(np.array(resized))
    torch.testing.assert_close(operator(x)[0][0, 0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("factor", "channels"), [(2, [4, 6]), (4, [4])])
def test_adaptive_polyphase_sampling_is_exactly_shift_equivariant(factor: int, channels: list[int]) -> None:
    def step_down(*args: Any) -> nn.Module:
        return PolyphaseDown(*args, factor=factor, init="matched")

    def step_up(*args: Any) -> nn.Module:
        return PolyphaseUp(*args, factor=factor, init="matched")

    options: dict[str, Any] = {"activation": "relu", "blocks": 0, "norm": "none"}
    encoder = ConvEncoder((2, 16, 24), down=step_down, channels=channels, **options)
    decoder = ConvDecoder(encoder.spec, up=step_up, smooth=False, **options).double()
    encoder.double()
    x = noise(3, 2, 16, 24)
    y = decoder(encoder(x))
    chosen = set()
    for shift in ((1, 0), (0, 1), (2, 3), (5, 7)):
        encoded = encoder(x.roll(shift, (2, 3)))
        chosen.add(tuple(encoded.indices[0].tolist()))
        equal(decoder(encoded), y.roll(shift, (2, 3)))
    assert len(chosen) > 1


@pytest.mark.parametrize("factor", [2, 4])
def test_adaptive_polyphase_sampling_keeps_the_grid_of_the_largest_norm(factor: int) -> None:
    operator, x = pass_through(down(PolyphaseDown, 3, 3, factor)), noise(8, 3, 16, 24)
    code, index = operator(x)
    for image, kept, phase in zip(x, code, index.tolist(), strict=True):
        grids = [image[:, p::factor, q::factor] for p in range(factor) for q in range(factor)]
        assert phase == max(range(factor**2), key=lambda i: grids[i].norm().item())
        assert torch.equal(kept, grids[phase])
