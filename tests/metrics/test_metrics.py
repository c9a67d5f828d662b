"""The metrics against their known answers."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics import Metric, MetricCollection

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

SIZE = 24
METRICS: dict[str, Callable[[], Metric]] = {
    "phase_bias": partial(PhaseBias, 2),
    "phase_bias_4": partial(PhaseBias, 4, border=1),
    "harmonic_peak": partial(HarmonicPeak, 2, (SIZE, SIZE)),
    "harmonic_peak_plain": partial(HarmonicPeak, 4, (SIZE, SIZE), window=False),
    "imbalance": partial(PhaseErrorImbalance, 2),
    "variation": partial(PhaseErrorVariation, 2),
    "spectrum": partial(RadialPowerSpectrum, (SIZE, SIZE), 10),
    "shift_1": partial(ShiftConsistency, 1, border=4),
    "shift_2": partial(ShiftConsistency, 2, border=4),
}


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(threads)


def noise(n: int = 8, c: int = 1, size: tuple[int, int] = (28, 28)) -> Tensor:
    return torch.randn(n, c, *size, dtype=torch.float64)


def checkerboard(size: tuple[int, int] = (28, 28), period: int = 2) -> Tensor:
    """1 where i + j is a multiple of `period`, else -1; (1, 1, H, W)."""
    i, j = torch.arange(size[0]), torch.arange(size[1])
    return (1.0 - 2.0 * ((i[:, None] + j) % period != 0))[None, None].double()


def nearest(images: Tensor, factor: int) -> Tensor:
    return images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def blocks(images: Tensor, factor: int = 2) -> Tensor:
    """A model with a grid of its own: average pooling, then nearest."""
    return nearest(F.avg_pool2d(images, factor), factor)


def feed(metric: Metric, images: Tensor) -> Metric:
    """Update with whatever the metric asks for; the error is a filtered image, the model is `blocks`."""
    inputs = {"images": images, "error": images - images.roll(1, -1), "model": blocks}
    metric.update(**metric._filter_kwargs(**inputs))
    return metric


def states(metric: Metric) -> dict[str, Tensor]:
    return {name: state for name, state in metric.metric_state.items() if isinstance(state, Tensor)}


def value(metric: Metric, *inputs: object) -> float:
    metric.update(*inputs)
    return float(metric.compute())


class TestPhaseBias:
    @pytest.mark.parametrize("stride", [2, 4])
    def test_patterns_of_the_period_are_all_of_the_variance(self, stride: int) -> None:
        columns = (torch.arange(28) % stride).double().expand(1, 1, 28, 28)
        assert value(PhaseBias(stride), checkerboard(period=stride)) == pytest.approx(1, abs=1e-12)
        assert value(PhaseBias(stride), columns) == pytest.approx(1, abs=1e-12)
        assert value(PhaseBias(stride), columns.mT) == pytest.approx(1, abs=1e-12)

    @pytest.mark.parametrize("stride", [2, 4])
    def test_nearest_upsampled_images_have_none(self, stride: int) -> None:
        images = nearest(noise(size=(7, 7)), stride)
        assert value(PhaseBias(stride), images) == pytest.approx(0, abs=1e-24)

    @pytest.mark.parametrize("level", [0.0, 0.1, 1 / 3, 255.0, -6e4])
    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
    def test_constant_images_have_none(self, level: float, dtype: torch.dtype) -> None:
        assert value(PhaseBias(2), torch.full((3, 2, 14, 14), level).to(dtype)) == 0

    def test_mixture(self) -> None:
        amplitude = 0.1
        images = nearest(noise(1, size=(14, 14)), 2)
        expected = amplitude**2 / (amplitude**2 + float(images.var(correction=0)))
        assert value(PhaseBias(2), images + amplitude * checkerboard()) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize(("stride", "expected"), [(2, 0.003831), (4, 0.019157)])
    def test_white_noise(self, stride: int, expected: float) -> None:
        assert expected == pytest.approx((stride**2 - 1) / (28 * 28 - 1), rel=1e-3)
        assert value(PhaseBias(stride), noise(4000)) == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize(("stride", "border", "size"), [(2, 0, (28, 30)), (4, 1, (31, 45)), (3, 2, (28, 28))])
    def test_equals_the_spectral_share(self, stride: int, border: int, size: tuple[int, int]) -> None:
        images = noise(5, 3, size) + 0.2 * checkerboard(size, stride)
        height, width = ((n - 2 * border) // stride * stride for n in size)
        cropped = images[..., border : border + height, border : border + width]
        power = torch.fft.fft2(cropped).abs().square().sum((0, 1))
        power[0, 0] = 0
        expected = power[:: height // stride, :: width // stride].sum() / power.sum()
        assert value(PhaseBias(stride, border), images) == pytest.approx(float(expected), abs=1e-12)

    def test_invariances(self) -> None:
        images = noise() + 0.3 * checkerboard()
        expected = value(PhaseBias(4), images)
        same = [-3 * images + 7, images.roll((1, 3), (2, 3)), images.flip(2), images.flip(3), images.mT, images.flip(0)]
        for other in same:
            assert value(PhaseBias(4), other) == pytest.approx(expected, rel=1e-10)

    def test_not_a_number_is_not_hidden(self) -> None:
        assert math.isnan(value(PhaseBias(2), torch.full((1, 1, 8, 8), float("nan"))))


class TestHarmonicPeak:
    @pytest.mark.parametrize("window", [True, False])
    @pytest.mark.parametrize("stride", [2, 4])
    def test_white_noise_is_0_db(self, window: bool, stride: int) -> None:
        assert abs(value(HarmonicPeak(stride, (28, 28), window), noise(1500))) < 0.3

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
        images = sigma * noise(1500) + sign * amplitude * checkerboard()
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
        assert value(HarmonicPeak(2, (28, 28), window=False), nearest(noise(size=(14, 14)), 2)) < -200
        assert value(HarmonicPeak(2, (28, 28)), torch.full((2, 1, 28, 28), 0.1)) == 0

    @pytest.mark.parametrize("window", [True, False])
    def test_invariances(self, window: bool) -> None:
        images = noise() + 0.3 * checkerboard()
        expected = value(HarmonicPeak(2, (28, 28), window), images)
        same = [-3 * images + 7, images.mT, images.flip(0)]
        same += [] if window else [images.roll((1, 3), (2, 3)), images.flip(2), images.flip(3)]
        for other in same:
            assert value(HarmonicPeak(2, (28, 28), window), other) == pytest.approx(expected, abs=1e-9)

    def test_crops_to_multiples(self) -> None:
        images = noise(size=(31, 29))
        expected = value(HarmonicPeak(4, (28, 28)), images[..., :28, :28])
        assert value(HarmonicPeak(4, (31, 29)), images) == pytest.approx(expected, abs=1e-12)


class TestPhaseErrors:
    def test_energies_4_2_2_1(self) -> None:
        deviation = torch.tensor([[2.0, 2**0.5], [2**0.5, 1.0]], dtype=torch.float64).repeat(14, 14)
        sign = torch.randint(0, 2, (10, 1, 28, 28)) * 2 - 1
        assert value(PhaseErrorImbalance(2), sign * deviation) == pytest.approx(0.6, abs=1e-12)
        assert value(PhaseErrorVariation(2), sign * deviation) == pytest.approx(math.sqrt(19) / 9, abs=1e-12)
        assert math.sqrt(19) / 9 == pytest.approx(0.4843, abs=5e-5)
        assert value(PhaseErrorImbalance(2), noise(2000) * deviation) == pytest.approx(0.6, abs=0.01)

    def test_extremes(self) -> None:
        nails = torch.zeros(20, 1, 28, 28, dtype=torch.float64)
        nails[..., ::2, ::2] = noise(20, size=(14, 14))
        assert value(PhaseErrorImbalance(2), nails) == 1
        assert value(PhaseErrorVariation(2), nails) == pytest.approx(math.sqrt(3), abs=1e-12)
        assert value(PhaseErrorImbalance(2), noise(3000)) < 0.01
        assert value(PhaseErrorImbalance(2), 0 * nails) == value(PhaseErrorVariation(2), 0 * nails) == 0

    @pytest.mark.parametrize(("kernel", "expected"), [(2, 0.0), (3, 0.6), (4, 0.0), (5, 5 / 13)])
    def test_overlap_of_transposed_convolutions(self, kernel: int, expected: float) -> None:
        layer = nn.ConvTranspose2d(64, 64, kernel, 2, (kernel - 1) // 2, output_padding=kernel % 2, bias=False)
        with torch.no_grad():
            error = layer(torch.randn(10, 64, 16, 16))
        assert value(PhaseErrorImbalance(2, border=4), error) == pytest.approx(expected, abs=0.05)

    def test_invariances(self) -> None:
        error = noise() * (1 + 0.3 * checkerboard())
        for metric in (PhaseErrorImbalance, PhaseErrorVariation):
            expected = value(metric(2), error)
            for other in (-5 * error, error.roll((1, 2), (2, 3)), error.flip(2), error.mT):
                assert value(metric(2), other) == pytest.approx(expected, rel=1e-12)

    def test_high_pass(self) -> None:
        board = checkerboard((9, 12))
        torch.testing.assert_close(high_pass(board), board * 8 / 9)  # box3 of a checkerboard is a ninth of it
        assert high_pass(torch.full((2, 3, 8, 8), 0.1)).abs().max() == 0
        ramp = torch.arange(10.0).expand(1, 1, 10, 10)
        assert high_pass(ramp)[..., 1:-1].abs().max() < 1e-12
        assert high_pass(torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8)).dtype == torch.float64


class TestShiftConsistency:
    @pytest.mark.parametrize(("shift", "pad"), [(1, 0), (2, 0), (1, 4)])
    def test_exact_models(self, shift: int, pad: int) -> None:
        images = torch.randint(0, 256, (3, 2, 20, 28)).double()
        conv = nn.Conv2d(2, 2, 5, padding=2, padding_mode="circular", bias=False, dtype=torch.float64)
        conv.weight.data = torch.randint(-3, 4, conv.weight.shape).double()  # integers, so that sums are exact
        assert value(ShiftConsistency(shift, shift, pad), nn.Identity(), images) == math.inf
        assert value(ShiftConsistency(shift, shift + 2, pad), conv, images) == math.inf  # shift + receptive radius
        assert value(ShiftConsistency(shift, shift + 1, 0), conv, images) < math.inf  # wrapped rows count

    @pytest.mark.parametrize("factor", [2, 4])
    def test_a_model_with_a_grid_is_exact_at_its_period_only(self, factor: int) -> None:
        images = torch.randint(0, 256, (3, 1, 24, 24)).double() / 256
        model = partial(blocks, factor=factor)
        assert value(ShiftConsistency(factor, 2 * factor), model, images) == math.inf
        for shift in range(1, factor):
            assert value(ShiftConsistency(shift, 2 * factor), model, images) < 40

    def test_a_fixed_checkerboard(self) -> None:
        amplitude = 0.01

        def model(x: Tensor) -> Tensor:
            return x + amplitude * checkerboard((20, 20))

        images = torch.rand(4, 1, 20, 20)
        expected = -10 * math.log10(8 / 3 * amplitude**2)  # off by 2A after two of the three shifts
        assert value(ShiftConsistency(1, 2), model, images) == pytest.approx(expected, abs=1e-4)
        assert value(ShiftConsistency(2, 2), model, images) > 140  # float32

    def test_keeps_no_graph_and_leaves_the_model_alone(self) -> None:
        model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Dropout(0.5))
        metric = ShiftConsistency(1, 2)
        metric.update(model, torch.rand(2, 1, 12, 12))
        assert not metric.compute().requires_grad
        assert model.training


class TestFlatField:
    def test_four_gains(self) -> None:
        up = nn.ConvTranspose2d(1, 1, 2, 2)
        up.weight.data = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])

        def call(y: Tensor, size: tuple[int, int], index: Tensor | None) -> Tensor:
            return up(y)

        expected = 2 * math.sqrt(1.25) / 5
        assert float(flat_field_ripple(call, torch.tensor([2.0]), 5.0, 2)) == pytest.approx(expected, rel=1e-6)
        assert float(flat_field_ripple(call, torch.tensor([2.0]), torch.tensor([5.0]), 2)) == pytest.approx(
            expected, rel=1e-6
        )
        assert float(flat_field_gain_share(call, 1, 2)) == pytest.approx(1.25 / 7.5, abs=1e-6)

    @pytest.mark.parametrize(
        ("stride", "kernel", "variation"),
        [(2, 3, 0.2346), (2, 5, 0.0816), (3, 4, 0.2656), (4, 6, 0.2346), (2, 4, 0.0), (3, 6, 0.0)],
    )
    def test_overlap_of_equal_weights(self, stride: int, kernel: int, variation: float) -> None:
        remainder = kernel % stride
        assert (1 + remainder * (stride - remainder) / kernel**2) ** 2 - 1 == pytest.approx(variation, abs=5e-5)
        up = nn.ConvTranspose2d(1, 1, kernel, stride, dtype=torch.float64)
        up.weight.data.fill_(1.0)
        share = flat_field_gain_share(lambda y, size, _: up(y.double())[..., : size[0], : size[1]], 1, stride)
        assert float(share) == pytest.approx(variation / (1 + variation), abs=5e-5)

    def test_random_weights_and_resize(self) -> None:
        class Transpose(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.ConvTranspose2d(16, 16, 4, 2, 1, dtype=torch.float64)

            def forward(self, y: Tensor, size: tuple[int, int], index: Tensor | None = None) -> Tensor:
                return self.conv(y)

        class Resize(nn.Module):
            def __init__(self, mode: str) -> None:
                super().__init__()
                self.mode, self.conv = mode, nn.Conv2d(16, 16, 3, padding=1, dtype=torch.float64)

            def forward(self, y: Tensor, size: tuple[int, int], index: Tensor | None = None) -> Tensor:
                return self.conv(F.interpolate(y, size, mode=self.mode))

        shares = torch.stack([flat_field_gain_share(Transpose(), 16, 2) for _ in range(30)])
        assert float(shares.mean()) == pytest.approx(0.75, abs=0.05)
        for mode in ("nearest", "bilinear", "bicubic"):
            up = Resize(mode)
            assert float(flat_field_gain_share(up, 16, 2)) < 1e-25
            assert float(flat_field_ripple(up, torch.rand(16, dtype=torch.float64), 1.0, 2)) < 1e-12

    def test_index_reaches_the_operator(self) -> None:
        index = torch.arange(32 * 32).view(32, 32)[::2, ::2].expand(1, 1, 16, 16)

        def unpool(y: Tensor, size: tuple[int, int], index: Tensor | None) -> Tensor:
            assert index is not None
            return F.max_unpool2d(y, index, [2, 2])

        assert float(flat_field_gain_share(unpool, 1, 2, index)) == 0.75  # all to phase (0, 0)


class TestRadialPowerSpectrum:
    @pytest.mark.parametrize(("size", "bins"), [((28, 28), 14), ((31, 45), 9), ((4, 4), 2), ((64, 16), 8)])
    def test_parseval(self, size: tuple[int, int], bins: int) -> None:
        images = noise(6, 3, size) + 0.7
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
        metric.update(0.5 * noise(3000))
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


class TestAccumulation:
    @pytest.mark.parametrize("name", METRICS)
    def test_batches_halves_and_order_do_not_matter(self, name: str) -> None:
        images = noise(12, 2, (SIZE, SIZE)) + 0.1
        whole = feed(METRICS[name](), images).compute()
        batches, first, second = METRICS[name](), METRICS[name](), METRICS[name]()
        for batch in images.flip(0).split(5):
            feed(batches, batch)
        feed(second, images[7:])
        feed(first, images[:7]).merge_state(second)
        torch.testing.assert_close(batches.compute(), whole, rtol=1e-10, atol=0)
        torch.testing.assert_close(first.compute(), whole, rtol=1e-10, atol=0)

    @pytest.mark.parametrize("name", METRICS)
    def test_states_are_float64_sums_of_fixed_shape(self, name: str) -> None:
        metric = METRICS[name]()
        before = {name: state.shape for name, state in states(metric).items()}
        fresh = feed(metric, noise(3, 1, (SIZE, SIZE)).float()).compute()
        assert {name: state.shape for name, state in states(metric).items()} == before
        assert {state.dtype for state in states(metric).values()} == {torch.float64}
        assert {getattr(reduce, "__name__", None) for reduce in metric._reductions.values()} == {"dim_zero_sum"}
        assert fresh.dtype == torch.float64
        metric.reset()
        assert all(not state.any() for state in states(metric).values())

    @pytest.mark.parametrize("name", METRICS)
    def test_moves_and_resets(self, name: str) -> None:
        images = noise(3, 1, (SIZE, SIZE)).float()
        expected = feed(METRICS[name](), images).compute()
        devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
        for device in devices:
            metric = METRICS[name]().to(device)
            feed(metric, images.roll(1, 0).to(device) * 3)
            metric.reset()
            for _ in range(2):  # half precision does not reach the sums
                result = feed(metric.to(torch.float16), images.to(device)).compute()
                torch.testing.assert_close(result.cpu(), expected, rtol=1e-3, atol=1e-12)
                metric.reset()

    def test_forward_gives_the_value_of_the_batch(self) -> None:
        first, second = noise(4), checkerboard()
        metric = PhaseBias(2)
        metric(first)
        assert float(metric(second)) == pytest.approx(1)
        assert float(metric.compute()) < 0.5

    def test_collection(self) -> None:
        collection = MetricCollection({name: metric() for name, metric in METRICS.items()})
        black = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.float64)  # on black images all the sums agree
        images = noise(4, 1, (SIZE, SIZE)) + checkerboard((SIZE, SIZE))
        for batch in (black, images):
            collection.update(images=batch, error=batch - batch.roll(1, -1), model=blocks)
        results = collection.compute()
        for name, metric in METRICS.items():
            alone = feed(feed(metric(), black), images).compute()
            torch.testing.assert_close(results[name], alone, rtol=1e-12, atol=0)
        shared = [group for group in collection.compute_groups.values() if len(group) > 1]
        assert shared == [["imbalance", "variation"]]

    @pytest.mark.parametrize("name", ["phase_bias", "harmonic_peak", "spectrum"])
    @pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32])
    def test_any_dtype(self, name: str, dtype: torch.dtype) -> None:
        images = torch.randint(0, 200, (3, 1, SIZE, SIZE)).to(dtype)
        expected = feed(METRICS[name](), images.double()).compute()
        torch.testing.assert_close(feed(METRICS[name](), images).compute(), expected, rtol=1e-12, atol=0)


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
