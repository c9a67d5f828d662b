"""Metrics of spectra against their known answers."""

import math

import pytest
import torch

from helpers.images import checkerboard, nearest, white
from helpers.metrics import value
from hourglass.metrics import HarmonicExcess, HarmonicPeak, RadialPowerSpectrum


class TestHarmonicPeak:
    @pytest.mark.parametrize("window", [True, False])
    @pytest.mark.parametrize("stride", [2, 4])
    def test_white_noise_is_0_db(self, window: bool, stride: int) -> None:
        assert abs(value(HarmonicPeak(stride, (28, 28), window), white(1500))) < 0.3

    @pytest.mark.parametrize(
        ("window", "amplitude", "expected"),
        [(False, 0.02, 3.35), (True, 0.02, 1.81), (False, 0.05, 9.17), (True, 0.05, 6.26)],
    )
    @pytest.mark.parametrize("random_sign", [False, True])
    def test_checkerboard_in_white_noise(
        self, window: bool, amplitude: float, expected: float, random_sign: bool
    ) -> None:
        sigma, pixels = 0.3, 28 * 28
        gain = (pixels / 4) ** 2 / (pixels * (3 / 8) ** 2) if window else pixels
        assert 10 * math.log10(1 + amplitude**2 * gain / (3 * sigma**2)) == pytest.approx(expected, abs=5e-3)
        sign = torch.randint(0, 2, (1500, 1, 1, 1)) * 2 - 1 if random_sign else 1
        images = sigma * white(1500) + sign * amplitude * checkerboard()
        assert value(HarmonicPeak(2, (28, 28), window), images) == pytest.approx(expected, abs=0.3)

    def test_opposite_signs_do_not_cancel(self) -> None:
        impulse = torch.zeros(1, 1, 28, 28, dtype=torch.float64)  # power 1 in every bin
        impulse[..., 5, 9] = 1
        board = 0.01 * checkerboard()
        images = torch.cat([impulse + board, impulse - board])
        expected = 10 * math.log10((3 + (0.01 * 28 * 28) ** 2) / 3)
        assert value(HarmonicPeak(2, (28, 28), window=False), images) == pytest.approx(expected, abs=1e-9)

    @pytest.mark.parametrize(("window", "near"), [(True, (2, 3, 4)), (False, (1, 2, 3))])
    def test_neighbourhood(self, window: bool, near: tuple[int, ...]) -> None:
        metric = HarmonicPeak(2, (28, 28), window)
        metric.power = torch.zeros(28, 28, dtype=torch.float64)
        metric.power[14, 0], metric.power[0, 14], metric.power[14, 14] = 1, 2, 3
        metric.power[0, 0] = 100  # DC
        metric.power[14, 5] = metric.power[5, 0] = 50  # too far
        metric.power[14, 1] = 50 if window else 0  # too near with the window
        for distance in near:
            metric.power[14 + distance, 0] = metric.power[14 - distance, 0] = 0.5  # along the axis: background 0.5
            metric.power[0, 14 + distance] = metric.power[0, 14 - distance] = 1.0  # background 1
            metric.power[14 + distance, 14] = 2.0  # one of four directions: background 0.5
            metric._update_count = 1
        assert float(metric.compute()) == pytest.approx(10 * math.log10(6 / 2))

    def test_a_hole_is_negative_and_no_power_is_0_db(self) -> None:
        assert value(HarmonicPeak(2, (28, 28), window=False), nearest(white(size=(14, 14)), 2)) < -200
        assert value(HarmonicPeak(2, (28, 28)), torch.full((2, 1, 28, 28), 0.1)) == 0

    @pytest.mark.parametrize("window", [True, False])
    def test_invariances(self, window: bool) -> None:
        images = white() + 0.3 * checkerboard()
        expected = value(HarmonicPeak(2, (28, 28), window), images)
        same = [-3 * images + 7, images.mT, images.flip(0)]
        same += [] if window else [images.roll((1, 3), (2, 3)), images.flip(2), images.flip(3)]
        for other in same:
            assert value(HarmonicPeak(2, (28, 28), window), other) == pytest.approx(expected, abs=1e-9)

    def test_crops_to_multiples(self) -> None:
        images = white(size=(31, 29))
        expected = value(HarmonicPeak(4, (28, 28)), images[..., :28, :28])
        assert value(HarmonicPeak(4, (31, 29)), images) == pytest.approx(expected, abs=1e-12)


class TestHarmonicExcess:
    def test_it_is_the_difference_of_the_peaks(self) -> None:
        images, reference = white(20) + 0.1 * checkerboard(), nearest(white(20, size=(14, 14)), 2) + white(20)
        metric, peaks = HarmonicExcess(2, (28, 28)), [HarmonicPeak(2, (28, 28)) for _ in range(2)]
        ours, theirs = (value(peak, one) for peak, one in zip(peaks, (images, reference), strict=True))
        assert value(metric, images, reference) == pytest.approx(ours - theirs, abs=1e-9)

    @pytest.mark.slow
    def test_the_interval_is_scipy_s_jackknife_of_pairs(self) -> None:
        images, reference = white(200, size=(16, 16)) + 0.05 * checkerboard((16, 16)), white(200, size=(16, 16))
        metric = HarmonicExcess(2, (16, 16))
        metric.update(images, reference)
        left_out = torch.tensor([
            value(HarmonicExcess(2, (16, 16)), *(x[torch.arange(200) != i] for x in (images, reference)))
            for i in range(200)
        ])  # fmt: skip
        variance = 199 * left_out.double().var(correction=0)
        assert float(metric.interval()) == pytest.approx(1.96 * float(variance.sqrt()), rel=0.02)

    @pytest.mark.slow
    def test_the_interval_covers_the_known_answer(self) -> None:
        sigma, amplitude, covered = 0.3, 0.05, 0
        gain = (16 * 16 / 4) ** 2 / (16 * 16 * (3 / 8) ** 2)
        expected = 10 * math.log10(1 + amplitude**2 * gain / (3 * sigma**2))
        for _ in range(200):
            metric = HarmonicExcess(2, (16, 16))
            clean = sigma * white(100, size=(16, 16))
            metric.update(sigma * white(100, size=(16, 16)) + amplitude * checkerboard((16, 16)), clean)
            covered += abs(float(metric.compute()) - expected) < float(metric.interval())
        assert 180 <= covered <= 199

    def test_equal_images_have_none_surely_and_one_pair_tells_nothing(self) -> None:
        metric, images = HarmonicExcess(2, (28, 28)), white(3)
        metric.update(images, images)
        assert metric.compute() == 0
        assert float(metric.interval()) == pytest.approx(0, abs=1e-6)
        metric.reset()
        metric.update(images[:1], images[1:2])
        assert metric.interval() == math.inf
        metric.reset()
        metric.update(0 * images, 0 * images)
        assert metric.compute() == metric.interval() == 0


class TestRadialPowerSpectrum:
    @pytest.mark.parametrize(("size", "bins"), [((28, 28), 14), ((31, 45), 9), ((4, 4), 2), ((64, 16), 8)])
    def test_parseval(self, size: tuple[int, int], bins: int) -> None:
        images = white(6, 3, size) + 0.7
        metric = RadialPowerSpectrum(size, bins)
        metric.update(images)
        power = metric.compute()
        assert power.shape == metric.frequencies.shape == metric.counts.shape == (bins,)
        assert int(metric.counts.sum()) == size[0] * size[1]
        assert metric.counts.min() > 0
        total = (power * metric.counts).sum() / (size[0] * size[1])
        assert float(total) == pytest.approx(float(images.square().mean()), rel=1e-12)

    def test_every_recommended_number_of_bins_is_accepted(self) -> None:
        for height in range(4, 40, 3):
            for width in range(4, 40, 5):
                RadialPowerSpectrum((height, width), min(height, width) // 2)

    def test_white_noise_is_flat(self) -> None:
        metric = RadialPowerSpectrum((28, 28), 14)
        metric.update(0.5 * white(3000))
        torch.testing.assert_close(metric.compute(), torch.full((14,), 0.25, dtype=torch.float64), rtol=0.06, atol=0)

    def test_a_wave_stands_at_its_frequency(self) -> None:
        metric = RadialPowerSpectrum((32, 32), 16)
        wave = torch.cos(2 * math.pi * torch.arange(32, dtype=torch.float64) / 4)  # 0.25 cycles a pixel
        metric.update(wave.expand(1, 1, 32, 32) + 0.0)
        power = metric.compute()
        peak = int(power.argmax())
        assert abs(float(metric.frequencies[peak]) - 0.25) <= float(metric.frequencies[1]) / 2
        assert float(power[peak] * metric.counts[peak]) / 32**2 == pytest.approx(0.5, rel=1e-12)
        assert float(metric.frequencies[-1]) == pytest.approx(math.sqrt(0.5))
