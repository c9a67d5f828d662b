"""The metrics of a reconstruction against torchmetrics and closed forms."""

import math
from typing import Any

import pytest
import torch
import yaml
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as ms_ssim_of_torchmetrics
from torchmetrics.functional.image import structural_similarity_index_measure as ssim_of_torchmetrics

from helpers.project import CONF, configure, parts
from hourglass.config.identity import VOLATILE, run_id
from hourglass.core.errors import ConfigError
from hourglass.core.measures import MEASURES
from hourglass.metrics import MSSSIM
from hourglass.metrics.similarity import BETAS, ms_ssim, scales, ssim
from hourglass.training.scores import check_makers

SHAPE = (1, 28, 28)


def pair(side: int, channels: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    target = torch.rand(2, channels, side, side)
    return (target + 0.3 * torch.randn_like(target)).clamp(0, 1), target


@pytest.mark.parametrize(
    ("shape", "window"),
    [((1, 28, 28), None), ((3, 11, 40), None), ((3, 64, 33), None), ((1, 10, 16), 9), ((2, 7, 7), 7), ((1, 1, 4), 1)],
)
def test_ssim_is_that_of_torchmetrics_and_so_is_its_gradient(shape: tuple[int, int, int], window: int | None) -> None:
    target = torch.rand(3, *shape, dtype=torch.float64)
    pixels = (target + 0.3 * torch.randn_like(target)).requires_grad_()
    whole, full = ssim_of_torchmetrics(
        pixels, target, window is None, kernel_size=window or 11, data_range=1.0, reduction="none",
        return_full_image=True,
    )  # fmt: skip
    border = (window or 11) // 2
    inside = full[..., border : shape[1] - border, border : shape[2] - border].flatten(1).mean(1)
    for found, expected in ((ssim(pixels, target), inside), (ssim(pixels, target, reflected=True), whole)):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
        gradients = [torch.autograd.grad(value.sum(), pixels, retain_graph=True)[0] for value in (found, expected)]
        torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)
    assert (ssim(target, target) == 1).all()


@pytest.mark.parametrize(
    ("shape", "window"),
    [((1, 28, 28), None), ((3, 11, 40), None), ((3, 64, 33), None), ((1, 10, 16), 9), ((2, 7, 7), 7)],
)
def test_ssim_is_that_of_scikit_image(shape: tuple[int, int, int], window: int | None) -> None:
    """Which leaves out the border too; on tiny images ours are its windows of equal weights."""
    options: dict[str, Any] = {"win_size": window} if window else {"gaussian_weights": True, "sigma": 1.5}
    target = torch.rand(3, *shape, dtype=torch.float64)
    pixels = (target + 0.3 * torch.randn_like(target)).clamp(0, 1)
    options |= {"channel_axis": 0, "data_range": 1, "use_sample_covariance": False}
    expected = [structural_similarity(x.numpy(), y.numpy(), **options) for x, y in zip(pixels, target, strict=True)]
    assert ssim(pixels, target).tolist() == pytest.approx(expected, abs=1e-9)
    assert ssim(pixels.float(), target.float()).tolist() == pytest.approx(expected, abs=1e-6)


def test_the_border_is_not_counted() -> None:
    target = torch.zeros(1, 1, 28, 28)
    target[..., 8:20, 8:20] = 1
    spoilt = target.clone()
    spoilt[..., 0, :] = 0.5  # five rows of windows lie across the border there
    assert ssim(spoilt, target) > 0.98
    assert ssim(spoilt, target, reflected=True) < 0.92


def test_ssim_keeps_its_digits_where_others_are_left_out() -> None:
    pixels, target = pair(28)
    exact = ssim(pixels.double(), target.double())
    assert ssim(pixels, target).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(ssim(pixels, target), exact.float(), rtol=0, atol=0)


@pytest.mark.parametrize(("side", "n"), [(176, 5), (200, 5), (99, 4), (60, 3), (21, 1)])
def test_ms_ssim_is_that_of_torchmetrics_with_as_many_scales_as_fit(side: int, n: int) -> None:
    pixels, target = pair(side, 3)
    weights = scales((3, side, side))
    assert len(weights) == n
    pixels, target = pixels.double(), target.double()
    expected = ms_ssim_of_torchmetrics(pixels, target, data_range=1.0, betas=weights, reduction="none")
    torch.testing.assert_close(ms_ssim(pixels, target), expected, rtol=0, atol=1e-7)  # its weights are float32


def test_fewer_scales_keep_a_sum_of_one() -> None:
    counts = {176: 5, 175: 4, 88: 4, 87: 3, 44: 3, 43: 2, 22: 2, 21: 1, 1: 1}
    assert {side: len(scales((1, side, 300))) for side in counts} == counts
    assert all(sum(scales((1, side, side))) == pytest.approx(1) for side in counts)
    assert scales((1, 200, 200)) == pytest.approx(BETAS, abs=1e-4)
    metric = MSSSIM(SHAPE)
    metric.update(*(torch.rand(3, *SHAPE),) * 3)
    assert metric.compute() == pytest.approx(1)


def test_the_gradient_of_anticorrelated_images_is_finite() -> None:
    target = torch.rand(2, 1, 44, 44)
    pixels = (1 - target).requires_grad_()
    (1 - ms_ssim(pixels, target)).sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.isfinite().all()


def test_the_default_metrics_are_closed_forms() -> None:
    pixels, target = pair(28)
    input = target + 0.5
    values = {}
    for name, make in parts().metrics.items():
        metric = make(SHAPE)
        for i in range(2):
            metric.update(pixels[i : i + 1], target[i : i + 1], input[i : i + 1])
        values[name] = float(metric.compute())
        assert metric.measure is MEASURES[name]
    mse = (pixels - target).square().mean((1, 2, 3)).double()
    assert values["mse"] == pytest.approx(float(mse.mean()))
    assert values["psnr"] == pytest.approx(-10 * math.log10(mse.mean()))
    assert values["psnr_per_image"] == pytest.approx(float((-10 * mse.log10()).mean()))
    assert values["psnr_input"] == pytest.approx(-10 * math.log10(0.25), rel=1e-5)
    assert values["psnr_gain"] == pytest.approx(values["psnr"] - values["psnr_input"], rel=1e-5)
    full = ssim_of_torchmetrics(pixels, target, data_range=1.0, return_full_image=True)[1]
    assert values["ssim"] == pytest.approx(float(full[..., 5:-5, 5:-5].mean()), abs=1e-6)


def test_without_corruption_there_is_no_gain_and_a_metric_begins_anew() -> None:
    pixels, target = pair(28)
    for name in ("psnr_input", "psnr_gain"):
        metric = parts().metrics[name](SHAPE)
        metric.update(pixels, target, target + 0.5)
        assert metric.compute() is not None
        metric.reset()
        metric.update(pixels, target, target)
        assert metric.compute() is None


def test_the_default_metrics_are_no_part_of_an_id_and_a_further_one_is() -> None:
    defaults = yaml.safe_load((CONF / "metrics" / "default.yaml").read_text(encoding="utf-8"))
    assert {key for key in VOLATILE if key.startswith("metrics.")} == {f"metrics.{name}" for name in defaults}
    plain = configure().plain
    assert set(plain["metrics"]) == set(defaults)
    assert run_id({key: value for key, value in plain.items() if key != "metrics"}) == run_id(plain)
    assert configure("metrics=[default,ms_ssim]").id != run_id(plain)
    assert list(parts("metrics=[default,ms_ssim]").metrics) == [*defaults, "ms_ssim"]


def test_mse_is_needed_and_a_metric_says_what_it_measures() -> None:
    with pytest.raises(ConfigError, match=r"metrics\.mse is missing"):
        parts("metrics=ms_ssim").metrics  # noqa: B018
    with pytest.raises(ConfigError, match=r"metrics\.odd: Linear has no `measure`"):
        check_makers({"odd": torch.nn.Linear})
    with pytest.raises(ConfigError, match=r"metrics\.psnr has the name of a number of hourglass"):
        check_makers({"psnr": MSSSIM})
