"""What all metrics share: sums that add up in any order, on any device, from numbers of any type."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from helpers.images import checkerboard, pool_and_repeat, white
from hourglass.metrics import (
    DetrendedPhaseBias,
    HarmonicExcess,
    HarmonicPeak,
    PhaseBias,
    PhaseErrorImbalance,
    PhaseErrorVariation,
    RadialPowerSpectrum,
    ShiftConsistency,
)

SIZE = 24
METRICS: dict[str, Callable[[], Metric]] = {
    "phase_bias": partial(PhaseBias, 2),
    "phase_bias_4": partial(PhaseBias, 4, border=1),
    "detrended": partial(DetrendedPhaseBias, 2),
    "harmonic_peak": partial(HarmonicPeak, 2, (SIZE, SIZE)),
    "harmonic_peak_plain": partial(HarmonicPeak, 4, (SIZE, SIZE), window=False),
    "harmonic_excess": partial(HarmonicExcess, 2, (SIZE, SIZE)),
    "imbalance": partial(PhaseErrorImbalance, 2),
    "variation": partial(PhaseErrorVariation, 2),
    "spectrum": partial(RadialPowerSpectrum, (SIZE, SIZE), 10),
    "shift_1": partial(ShiftConsistency, 1, border=4),
    "shift_2": partial(ShiftConsistency, 2, border=4),
}


def feed(metric: Metric, images: Tensor) -> Metric:
    """Update with whatever the metric asks for; the error is a filtered image, the model is `pool_and_repeat`."""
    inputs = {"images": images, "error": images - images.roll(1, -1), "model": pool_and_repeat}
    inputs["reference"] = images.square()
    metric.update(**metric._filter_kwargs(**inputs))
    return metric


def states(metric: Metric) -> dict[str, Tensor]:
    return {name: state for name, state in metric.metric_state.items() if isinstance(state, Tensor)}


@pytest.mark.parametrize("name", METRICS)
def test_batches_halves_and_order_do_not_matter(name: str) -> None:
    images = white(12, 2, (SIZE, SIZE)) + 0.1
    whole = feed(METRICS[name](), images).compute()
    batches, first, second = METRICS[name](), METRICS[name](), METRICS[name]()
    for batch in images.flip(0).split(5):
        feed(batches, batch)
    feed(second, images[7:])
    feed(first, images[:7]).merge_state(second)
    torch.testing.assert_close(batches.compute(), whole, rtol=1e-10, atol=0)
    torch.testing.assert_close(first.compute(), whole, rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", METRICS)
def test_states_are_float64_sums_of_fixed_shape(name: str) -> None:
    metric = METRICS[name]()
    before = {name: state.shape for name, state in states(metric).items()}
    fresh = feed(metric, white(3, 1, (SIZE, SIZE)).float()).compute()
    assert {name: state.shape for name, state in states(metric).items()} == before
    assert {state.dtype for state in states(metric).values()} == {torch.float64}
    assert {getattr(reduce, "__name__", None) for reduce in metric._reductions.values()} == {"dim_zero_sum"}
    assert fresh.dtype == torch.float64
    metric.reset()
    assert all(not state.any() for state in states(metric).values())


@pytest.mark.parametrize("name", METRICS)
def test_moves_and_resets(name: str) -> None:
    images = white(3, 1, (SIZE, SIZE)).float()
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


def test_forward_gives_the_value_of_the_batch() -> None:
    first, second = white(4), checkerboard()
    metric = PhaseBias(2)
    metric(first)
    assert float(metric(second)) == pytest.approx(1)
    assert float(metric.compute()) < 0.5


def test_collection() -> None:
    collection = MetricCollection({name: metric() for name, metric in METRICS.items()})
    black = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.float64)  # on black images all the sums agree
    images = white(4, 1, (SIZE, SIZE)) + checkerboard((SIZE, SIZE))
    for batch in (black, images):
        collection.update(
            images=batch, error=batch - batch.roll(1, -1), model=pool_and_repeat, reference=batch.square()
        )
    results = collection.compute()
    for name, metric in METRICS.items():
        alone = feed(feed(metric(), black), images).compute()
        torch.testing.assert_close(results[name], alone, rtol=1e-12, atol=0)
    shared = [group for group in collection.compute_groups.values() if len(group) > 1]
    assert shared == [["imbalance", "variation"]]


@pytest.mark.parametrize("name", ["phase_bias", "detrended", "harmonic_peak", "spectrum"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32])
def test_any_dtype(name: str, dtype: torch.dtype) -> None:
    images = torch.randint(0, 200, (3, 1, SIZE, SIZE)).to(dtype)
    expected = feed(METRICS[name](), images.double()).compute()
    torch.testing.assert_close(feed(METRICS[name](), images).compute(), expected, rtol=1e-12, atol=0)
