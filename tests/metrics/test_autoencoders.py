"""The checkerboard metrics of an autoencoder."""

import pytest
import torch

from helpers.project import autoencoder_for, parts
from hourglass import metrics
from hourglass.data.batches import Batch

DIGITS = parts().data
DIGITS.setup()
BATCH: Batch = DIGITS.pick("test", range(64))


def test_a_checkerboard_is_all_pattern_and_digits_are_almost_none() -> None:
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2
    values = metrics.of_images(board.float().expand(3, 1, 16, 16), (2, 4, 16))
    assert values["phase_bias_2"] == pytest.approx(1, abs=1e-9)
    assert "phase_bias_16" not in values  # too few periods
    assert metrics.of_images(BATCH.target, (2,))["phase_bias_2"] < 0.001


@pytest.mark.parametrize("decoder", ["resize", "bilinear", "fir", "smooth", "nearest"])
def test_a_flat_field_stays_flat_under_resizing(decoder: str) -> None:
    ripples = metrics.ripples(autoencoder_for((1, 28, 28), f"decoder={decoder}"), BATCH.input)
    assert set(ripples) == {"flat_field_ripple_1", "flat_field_ripple_2"}
    assert max(ripples.values()) < 1e-5


@pytest.mark.parametrize("decoder", ["transpose", "subpixel", "bed_of_nails"])
def test_a_flat_field_does_not_stay_flat_under_independent_phases(decoder: str) -> None:
    assert min(metrics.ripples(autoencoder_for((1, 28, 28), f"decoder={decoder}"), BATCH.input).values()) > 0.05


def test_positions_and_flat_codes_have_no_flat_field() -> None:
    for overrides in (["decoder=max_unpool"], ["model=linear"]):
        model = autoencoder_for((1, 28, 28), *overrides)
        assert metrics.ripples(model, BATCH.input) == {}
        assert "shift_consistency_1" in metrics.of_autoencoder(model, BATCH.input, BATCH.target)


def test_the_network_is_left_in_the_mode_it_had() -> None:
    model = autoencoder_for((1, 28, 28)).train()
    metrics.of_autoencoder(model, BATCH.input, BATCH.target)
    assert model.training
