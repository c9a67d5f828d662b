"""Metrics that call a model or an operator, against their known answers."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.images import checkerboard, pool_and_repeat
from helpers.metrics import value
from hourglass.metrics import ShiftConsistency, flat_field_gain_share, flat_field_ripple


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
        model = partial(pool_and_repeat, factor=factor)
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

    def test_a_known_output_is_not_made_again(self) -> None:
        images, model = torch.rand(4, 1, 20, 20).double(), nn.Conv2d(1, 1, 3, padding=1).double()
        known, unknown, calls = ShiftConsistency(1, 3), ShiftConsistency(1, 3), list[torch.Tensor]()
        known.update(lambda x: calls.append(x) or model(x), images, model(images))  # type: ignore[func-returns-value]
        unknown.update(model, images)
        assert len(calls) == 3
        assert known.compute() == unknown.compute()

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
