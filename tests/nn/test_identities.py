"""Exact identities between operators, in float64; the letters are those of the list that they are taken from."""

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.exact import down, equal, noise, pass_through, same_weights, up
from hourglass.metrics import flat_field_gain_share
from hourglass.nn.operators.blur import Fir
from hourglass.nn.operators.haar import HaarDown, HaarUp, haar, inverse_haar
from hourglass.nn.operators.pixel_shuffle import ResidualDown, ResidualUp, SpaceToDepth, Subpixel
from hourglass.nn.operators.pooling import AvgPool, Nearest
from hourglass.nn.operators.resize import Resize
from hourglass.nn.operators.strided import BedOfNails, Strided, Transpose


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_a_nearest_and_a_convolution_are_one_transposed_convolution_of_kernel_4() -> None:
    resize, y = up(Resize, 3, 5, mode="nearest", padding="zeros"), noise(2, 3, 6, 7)
    taps = resize.conv.weight.data.flip(2, 3).reshape(15, 1, 3, 3)
    kernel = F.conv2d(taps, torch.ones(1, 1, 2, 2).double(), padding=1).reshape(5, 3, 4, 4).transpose(0, 1)
    equal(same_weights(up(Transpose, 3, 5, kernel_size=4), kernel)(y, (12, 14)), resize(y, (12, 14)))


@pytest.mark.parametrize("size", [(12, 14), (11, 13)])
def test_b_a_bed_of_nails_is_a_transposed_convolution_of_kernel_3(size: tuple[int, int]) -> None:
    nails, y = up(BedOfNails, 3, 5), noise(2, 3, 6, 7)
    kernel = nails.conv.weight.data.flip(2, 3).transpose(0, 1)
    equal(same_weights(up(Transpose, 3, 5, kernel_size=3), kernel)(y, size), nails(y, size))


def test_b_a_bed_of_nails_by_4_is_a_transposed_convolution_of_kernel_7() -> None:
    nails, y = up(BedOfNails, 3, 5, factor=4), noise(2, 3, 6, 7)
    transposed = nn.ConvTranspose2d(3, 5, 7, stride=4, padding=3, output_padding=3).double()
    transposed.weight.data, transposed.bias = nails.conv.weight.data.flip(2, 3).transpose(0, 1), nails.conv.bias
    equal(nails(y, (24, 28)), transposed(y))


@pytest.mark.parametrize("factor", [2, 4])
def test_c_a_transposed_convolution_without_overlap_is_conv1_and_pixel_shuffle(factor: int) -> None:
    transposed, y = up(Transpose, 3, 5, factor, kernel_size=factor), noise(2, 3, 6, 7)
    subpixel = up(Subpixel, 3, 5, factor, icnr=False)
    weight = torch.zeros_like(subpixel.conv.weight)
    weight[:, :, 1, 1] = transposed.conv.weight.data.permute(1, 2, 3, 0).flatten(0, 2)
    size = (6 * factor - 1, 7 * factor)
    equal(same_weights(subpixel, weight)(y, size), transposed(y, size))


def test_d_a_transposed_convolution_of_kernel_4_is_a_sub_pixel_convolution() -> None:
    transposed, y = up(Transpose, 3, 5, kernel_size=4), noise(2, 3, 6, 7)
    weight = torch.zeros(5, 2, 2, 3, 3, 3).double()  # (Co, phase, phase, Ci, 3, 3)
    taps = {(phase, tap): phase + 3 - 2 * tap for phase in (0, 1) for tap in (0, 1, 2) if 0 <= phase + 3 - 2 * tap < 4}
    assert len(taps) == 4
    for (p, i), k in taps.items():
        for (q, j), m in taps.items():
            weight[:, p, q, :, i, j] = transposed.conv.weight.data[:, :, k, m].T
    subpixel = same_weights(up(Subpixel, 3, 5, icnr=False), weight.flatten(0, 2))
    equal(subpixel(y, (12, 14)), transposed(y, (12, 14)))


@pytest.mark.parametrize("factor", [2, 4])
def test_e_icnr_starts_as_a_convolution_followed_by_nearest(factor: int) -> None:
    subpixel, y = up(Subpixel, 3, 5, factor, icnr=True), noise(2, 3, 6, 7)
    nearest = same_weights(up(Nearest, 3, 5, factor), subpixel.conv.weight.data[:: factor**2])
    size = (6 * factor - 1, 7 * factor)
    equal(subpixel(y, size), nearest(y, size))


def test_f_stylegans_filter_is_bilinear_interpolation_but_for_the_zeros_around() -> None:
    fir, y = up(Fir, 3, 5), noise(2, 3, 6, 7)
    taps = torch.tensor([1.0, 3, 3, 1], dtype=torch.float64) / 4
    equal(fir.kernel[0, 0], torch.outer(taps, taps))
    bilinear = same_weights(up(Resize, 3, 5, mode="bilinear", padding="zeros"), fir.conv.weight.data)
    equal(fir(y, (12, 14))[..., 2:-2, 2:-2], bilinear(y, (12, 14))[..., 2:-2, 2:-2])
    fir, bilinear = pass_through(up(Fir, 3, 3)), pass_through(up(Resize, 3, 3, mode="bilinear", padding="zeros"))
    padded = fir(F.pad(y, (1, 1, 1, 1), mode="replicate"), (16, 18))
    equal(padded[..., 2:-2, 2:-2], bilinear(y, (12, 14)))


@pytest.mark.parametrize("factor", [2, 4])
def test_f_stylegans_filter_agrees_with_scipy(factor: int) -> None:
    y, taps = noise(1, 1, 6, 7), np.array([1.0])
    for _ in range(3):
        taps = np.convolve(taps, np.ones(factor) / factor)
    expected = y[0, 0].numpy()
    for axis in (0, 1):
        long = scipy.signal.upfirdn(factor * taps, expected, up=factor, axis=axis)
        expected = np.take(long, np.arange(factor - 1, factor - 1 + expected.shape[axis] * factor), axis=axis)
    equal(pass_through(up(Fir, 1, 1, factor))(y, (6 * factor, 7 * factor))[0, 0], torch.from_numpy(expected))


def test_f_stylegans_filter_by_4_is_two_steps_by_2() -> None:
    y, once, twice = noise(2, 3, 8, 8), pass_through(up(Fir, 3, 3, 4)), pass_through(up(Fir, 3, 3))
    equal(once(y, (32, 32))[..., 6:-6, 6:-6], twice(twice(y, (16, 16)), (32, 32))[..., 6:-6, 6:-6])


@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [(12, 14), (11, 13)])
def test_h_the_transposed_convolution_is_the_adjoint_of_the_strided_one(
    kernel_size: int, size: tuple[int, int]
) -> None:
    strided = down(Strided, 3, 5, bias=False, kernel_size=kernel_size)
    transposed = same_weights(up(Transpose, 5, 3, bias=False, kernel_size=kernel_size), strided.conv.weight.data)
    x, z = noise(2, 3, *size), noise(2, 5, 6, 7)
    equal((strided(x)[0] * z).sum(), (x * transposed(z, size)).sum())


@pytest.mark.parametrize(("factor", "kernel_size"), [(s, k) for s in (2, 3, 4) for k in range(s, 8)])
def test_l_the_overlap_of_equal_stamps_is_a_formula(factor: int, kernel_size: int) -> None:
    operator, rest = up(Transpose, 1, 1, factor, kernel_size=kernel_size), kernel_size % factor
    nn.init.ones_(operator.conv.weight)
    variation = (1 + rest * (factor - rest) / kernel_size**2) ** 2 - 1  # CV² of the phases' gains
    equal(flat_field_gain_share(operator, 1, factor), torch.tensor(variation / (1 + variation), dtype=torch.float64))


def test_l_the_overlap_of_kernel_3_at_stride_2_is_4_to_2_to_1() -> None:
    operator = up(Transpose, 1, 1, bias=False, kernel_size=3)
    nn.init.ones_(operator.conv.weight)
    out = operator(torch.ones(1, 1, 8, 8).double(), (16, 16))[0, 0, 4:6, 4:6]
    equal(out, torch.tensor([[1.0, 2], [2, 4]], dtype=torch.float64))


@pytest.mark.parametrize("factor", [2, 4])
def test_g_average_pooling_is_a_convolution_with_equal_taps(factor: int) -> None:
    operator, x = down(AvgPool, 3, 5, factor), noise(2, 3, 16, 24)
    taps = torch.full((5, 1, factor, factor), 1 / factor**2, dtype=torch.float64)
    equal(operator(x)[0], F.conv2d(operator.conv(x), taps, stride=factor, groups=5))


@pytest.mark.parametrize("levels", [1, 2])
def test_i_the_haar_transform_keeps_the_energy_and_inverts(levels: int) -> None:
    x = noise(2, 3, 16, 24)
    bands = haar(x, levels)
    equal(bands.square().sum() / x.square().sum(), torch.ones(()).double())
    equal(bands[:, :: 4**levels], 2**levels * F.avg_pool2d(x, 2**levels))
    equal(inverse_haar(bands, levels), x)
    factor = 2**levels
    encode, decode = pass_through(down(HaarDown, 3, 3 * factor**2, factor)), up(HaarUp, 3 * factor**2, 3, factor)
    equal(pass_through(decode)(encode(x)[0], (16, 24)), x)


def test_i_the_haar_transform_agrees_with_pywavelets() -> None:
    pywt = pytest.importorskip("pywt")

    def split(x: Tensor) -> Tensor:  # (C, H, W) -> (4·C, H/2, W/2)
        low, (horizontal, vertical, diagonal) = pywt.dwt2(x.numpy(), "haar")
        return torch.from_numpy(np.stack((low, vertical, horizontal, diagonal), 1)).flatten(0, 1)

    x = noise(1, 3, 16, 24)
    equal(haar(x)[0], split(x[0]))
    equal(haar(x, 2)[0], split(split(x[0])))


@pytest.mark.parametrize(("wide", "narrow"), [(32, 8), (16, 8), (32, 32)])
def test_j_the_shortcut_down_undoes_the_shortcut_up(wide: int, narrow: int) -> None:
    rise, fall = up(ResidualUp, wide, narrow, bias=False), down(ResidualDown, narrow, wide, bias=False)
    nn.init.zeros_(rise.conv.weight)
    nn.init.zeros_(fall.conv.weight)
    z = noise(2, wide, 6, 7)
    x = rise(z, (12, 14))
    equal(x, F.pixel_shuffle(z.repeat_interleave(4 * narrow // wide, dim=1), 2))
    assert torch.equal(fall(x)[0], z)
    averaged = F.pixel_unshuffle(noise(2, narrow, 12, 14), 2)
    equal(fall(F.pixel_shuffle(averaged, 2))[0], averaged.view(2, wide, -1, 6, 7).mean(2))


def test_j_channels_that_do_not_divide_are_matched_by_a_box_filter() -> None:
    fall = down(ResidualDown, 3, 8, bias=False)  # 12 channels become 8: each takes one and a half
    nn.init.zeros_(fall.conv.weight)
    x = noise(2, 3, 6, 8)
    blocks, out = F.pixel_unshuffle(x, 2), fall(x)[0]
    equal(out[:, 0], (2 * blocks[:, 0] + blocks[:, 1]) / 3)
    equal(out[:, 1], (blocks[:, 1] + 2 * blocks[:, 2]) / 3)
    equal(out.mean(1), blocks.mean(1))


@pytest.mark.parametrize("factor", [2, 4])
def test_k_space_to_depth_and_pixel_shuffle_are_inverse(factor: int) -> None:
    x = noise(2, 3, 16, 24)
    encode = pass_through(down(SpaceToDepth, 3, 3 * factor**2, factor))
    decode = pass_through(up(Subpixel, 3 * factor**2, 3, factor, icnr=False))
    code = encode(x)[0]
    equal(code, F.pixel_unshuffle(x, factor))
    assert torch.equal(decode(code, (16, 24)), x)
