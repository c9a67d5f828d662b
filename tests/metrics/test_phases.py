"""Metrics of images by phase, against their known answers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.images import checkerboard, nearest, white
from helpers.metrics import value
from hourglass.metrics import DetrendedPhaseBias, PhaseBias, PhaseErrorImbalance, PhaseErrorVariation, high_pass


class TestPhaseBias:
    @pytest.mark.parametrize("stride", [2, 4])
    def test_patterns_of_the_period_are_all_of_the_variance(self, stride: int) -> None:
        columns = (torch.arange(28) % stride).double().expand(1, 1, 28, 28)
        assert value(PhaseBias(stride), checkerboard(period=stride)) == pytest.approx(1, abs=1e-12)
        assert value(PhaseBias(stride), columns) == pytest.approx(1, abs=1e-12)
        assert value(PhaseBias(stride), columns.mT) == pytest.approx(1, abs=1e-12)

    @pytest.mark.parametrize("stride", [2, 4])
    def test_nearest_upsampled_images_have_none(self, stride: int) -> None:
        images = nearest(white(size=(7, 7)), stride)
        assert value(PhaseBias(stride), images) == pytest.approx(0, abs=1e-24)

    @pytest.mark.parametrize("level", [0.0, 0.1, 1 / 3, 255.0, -6e4])
    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
    def test_constant_images_have_none(self, level: float, dtype: torch.dtype) -> None:
        assert value(PhaseBias(2), torch.full((3, 2, 14, 14), level).to(dtype)) == 0

    def test_mixture(self) -> None:
        amplitude = 0.1
        images = nearest(white(1, size=(14, 14)), 2)
        expected = amplitude**2 / (amplitude**2 + float(images.var(correction=0)))
        assert value(PhaseBias(2), images + amplitude * checkerboard()) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize(("stride", "expected"), [(2, 0.003831), (4, 0.019157)])
    def test_white_noise(self, stride: int, expected: float) -> None:
        assert expected == pytest.approx((stride**2 - 1) / (28 * 28 - 1), rel=1e-3)
        assert value(PhaseBias(stride), white(4000)) == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize(("stride", "border", "size"), [(2, 0, (28, 30)), (4, 1, (31, 45)), (3, 2, (28, 28))])
    def test_equals_the_spectral_share(self, stride: int, border: int, size: tuple[int, int]) -> None:
        images = white(5, 3, size) + 0.2 * checkerboard(size, stride)
        height, width = ((n - 2 * border) // stride * stride for n in size)
        cropped = images[..., border : border + height, border : border + width]
        power = torch.fft.fft2(cropped).abs().square().sum((0, 1))
        power[0, 0] = 0
        expected = power[:: height // stride, :: width // stride].sum() / power.sum()
        assert value(PhaseBias(stride, border), images) == pytest.approx(float(expected), abs=1e-12)

    def test_invariances(self) -> None:
        images = white() + 0.3 * checkerboard()
        expected = value(PhaseBias(4), images)
        same = [-3 * images + 7, images.roll((1, 3), (2, 3)), images.flip(2), images.flip(3), images.mT, images.flip(0)]
        for other in same:
            assert value(PhaseBias(4), other) == pytest.approx(expected, rel=1e-10)

    def test_not_a_number_is_not_hidden(self) -> None:
        assert math.isnan(value(PhaseBias(2), torch.full((1, 1, 8, 8), float("nan"))))


def ramp(size: tuple[int, int] = (28, 28)) -> torch.Tensor:
    return torch.arange(size[1], dtype=torch.float64).expand(1, 1, *size)


class TestDetrendedPhaseBias:
    @pytest.mark.parametrize(("stride", "size"), [(2, (28, 28)), (3, (27, 40)), (4, (31, 45)), (5, (28, 28))])
    def test_ramps_have_none(self, stride: int, size: tuple[int, int]) -> None:
        across = ramp(size)
        down = torch.arange(size[0], dtype=torch.float64)[:, None]
        for images in (across, across - 3 * down, across * down, across.square() + down.square() / 7, 0 * across + 0.1):
            assert value(DetrendedPhaseBias(stride), images) == pytest.approx(0, abs=1e-12)

    @pytest.mark.parametrize(("stride", "length"), [(2, 28), (2, 64), (4, 28)])
    def test_a_ramp_is_a_pattern_to_the_plain_one(self, stride: int, length: int) -> None:
        expected = (stride**2 - 1) / (length**2 - 1)
        assert value(PhaseBias(stride), ramp((length, length))) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("stride", [2, 3, 4])
    def test_patterns_of_the_period_are_all_of_the_variance(self, stride: int) -> None:
        side = 12 * stride
        pattern = torch.randn(1, 1, stride, stride, dtype=torch.float64).repeat(1, 1, 12, 12)
        columns = (torch.arange(side) % stride).double().expand(1, 1, side, side)
        for images in (checkerboard((side, side), stride), columns, columns.mT, pattern):
            assert value(DetrendedPhaseBias(stride), images) == pytest.approx(1, abs=1e-12)

    def test_a_pattern_on_a_ramp_is_its_share_of_the_variance(self) -> None:
        images = 0.1 * ramp() + 0.05 * checkerboard()
        expected = 0.05**2 / float(images.var(correction=0))
        assert value(DetrendedPhaseBias(2), images) == pytest.approx(expected, rel=1e-9)
        assert value(PhaseBias(2), images) > 1.1 * expected

    @pytest.mark.parametrize("stride", [2, 3, 4])
    def test_white_noise_has_the_trace_of_the_quadratic_form(self, stride: int) -> None:
        """E yᵀQy = tr Q, and Q's diagonal is what impulses give."""
        impulses = torch.eye(24 * 24, dtype=torch.float64).view(-1, 1, 24, 24)
        expected = value(DetrendedPhaseBias(stride), impulses)
        assert value(DetrendedPhaseBias(stride), white(3000, size=(24, 24))) == pytest.approx(expected, rel=0.05)
        assert 1 < expected * (24 * 24 - 1) / (stride**2 - 1) < 1.7

    def test_invariances(self) -> None:
        images = white() + 0.3 * checkerboard()
        expected = value(DetrendedPhaseBias(4), images)
        for other in (-3 * images + 7, images.flip(2), images.mT, images + 5 * ramp() - 5 * ramp()):
            assert value(DetrendedPhaseBias(4), other) == pytest.approx(expected, rel=1e-10)


class TestPhaseErrors:
    def test_energies_4_2_2_1(self) -> None:
        deviation = torch.tensor([[2.0, 2**0.5], [2**0.5, 1.0]], dtype=torch.float64).repeat(14, 14)
        sign = torch.randint(0, 2, (10, 1, 28, 28)) * 2 - 1
        assert value(PhaseErrorImbalance(2), sign * deviation) == pytest.approx(0.6, abs=1e-12)
        assert value(PhaseErrorVariation(2), sign * deviation) == pytest.approx(math.sqrt(19) / 9, abs=1e-12)
        assert math.sqrt(19) / 9 == pytest.approx(0.4843, abs=5e-5)
        assert value(PhaseErrorImbalance(2), white(2000) * deviation) == pytest.approx(0.6, abs=0.01)

    def test_extremes(self) -> None:
        sparse = torch.zeros(20, 1, 28, 28, dtype=torch.float64)
        sparse[..., ::2, ::2] = white(20, size=(14, 14))
        assert value(PhaseErrorImbalance(2), sparse) == 1
        assert value(PhaseErrorVariation(2), sparse) == pytest.approx(math.sqrt(3), abs=1e-12)
        assert value(PhaseErrorImbalance(2), white(3000)) < 0.01
        assert value(PhaseErrorImbalance(2), 0 * sparse) == value(PhaseErrorVariation(2), 0 * sparse) == 0

    @pytest.mark.parametrize(("kernel", "expected"), [(2, 0.0), (3, 0.6), (4, 0.0), (5, 5 / 13)])
    def test_overlap_of_transposed_convolutions(self, kernel: int, expected: float) -> None:
        layer = nn.ConvTranspose2d(64, 64, kernel, 2, (kernel - 1) // 2, output_padding=kernel % 2, bias=False)
        with torch.no_grad():
            error = layer(torch.randn(10, 64, 16, 16))
        assert value(PhaseErrorImbalance(2, border=4), error) == pytest.approx(expected, abs=0.05)

    def test_invariances(self) -> None:
        error = white() * (1 + 0.3 * checkerboard())
        for metric in (PhaseErrorImbalance, PhaseErrorVariation):
            expected = value(metric(2), error)
            for other in (-5 * error, error.roll((1, 2), (2, 3)), error.flip(2), error.mT):
                assert value(metric(2), other) == pytest.approx(expected, rel=1e-12)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("stride", "metric"), [(2, PhaseErrorImbalance), (4, PhaseErrorImbalance), (2, PhaseErrorVariation)]
    )
    def test_chance_is_that_of_errors_without_a_pattern(self, stride: int, metric: type[PhaseErrorImbalance]) -> None:
        """The mean that 200 sets of images foretell, and the limit that one in twenty passes."""
        values, means, above = [], [], 0
        for _ in range(200):
            smooth, blobs = (F.avg_pool2d(white(40, size=(27 + k, 27 + k)), k, stride=1) for k in (3, 5))
            errors = metric(stride)
            values.append(value(errors, smooth * blobs * (0.3 * white(40, size=(1, 1))).exp()))
            mean, limit = errors.by_chance()
            means.append(float(mean))
            above += values[-1] > float(limit)
        assert sum(means) == pytest.approx(sum(values), rel=0.12)
        assert 2 <= above <= 21

    def test_a_pattern_is_far_above_chance_and_no_error_is_0(self) -> None:
        metric = PhaseErrorImbalance(2)
        assert value(metric, white(200) * (1 + 0.3 * checkerboard())) > 5 * metric.by_chance()[1]
        metric.reset()
        assert value(metric, torch.zeros(3, 1, 8, 8)) == metric.by_chance()[0] == metric.by_chance()[1] == 0

    def test_high_pass(self) -> None:
        board = checkerboard((9, 12))
        torch.testing.assert_close(high_pass(board), board * 8 / 9)  # box3 of a checkerboard is a ninth of it
        assert high_pass(torch.full((2, 3, 8, 8), 0.1)).abs().max() == 0
        ramp = torch.arange(10.0).expand(1, 1, 10, 10)
        assert high_pass(ramp)[..., 1:-1].abs().max() < 1e-12
        assert high_pass(torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8)).dtype == torch.float64
