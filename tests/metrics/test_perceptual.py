"""The perceptual distance: the numbers of its authors' code, and the weights that may be read."""

import math
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.project import parts
from hourglass.core.errors import ConfigError
from hourglass.metrics import perceptual
from hourglass.metrics.perceptual import PerceptualDistance
from hourglass.nn.autoencoder import Reconstruction

rows, columns = torch.arange(32.0)[:, None], torch.arange(40.0)
IMAGE = (torch.stack([(rows + k * columns).mul(0.1 + 0.05 * k).sin() for k in range(3)]) / 4 + 0.5)[None]
GRID = 0.05 * (-1.0) ** (rows + columns)
OF_THE_AUTHORS = {"grid": 0.1053256, "dark": 0.1716163, "flipped": 0.6131500, "grey, grid": 0.3263998}
"""stlpips_pytorch.stlpips.LPIPS(net="vgg", variant="shift_tolerant")(a, b, normalize=True) of version 0.0.2"""


@pytest.fixture(scope="module")
def distance() -> PerceptualDistance:
    return PerceptualDistance()


@pytest.mark.parametrize("case", OF_THE_AUTHORS)
def test_it_is_the_number_of_its_authors(distance: PerceptualDistance, case: str) -> None:
    pairs = {
        "grid": (IMAGE + GRID, IMAGE),
        "dark": (IMAGE / 2, IMAGE),
        "flipped": (IMAGE.flip(-1), IMAGE),
        "grey, grid": (IMAGE[:, :1] + GRID, IMAGE[:, :1]),
    }
    assert distance(*pairs[case]).item() == pytest.approx(OF_THE_AUTHORS[case], rel=1e-4)


def test_equal_images_have_none_and_it_has_a_gradient(distance: PerceptualDistance) -> None:
    torch.testing.assert_close(distance(IMAGE, IMAGE), torch.zeros(1))
    pixels = (IMAGE + GRID).requires_grad_()
    distance(pixels, IMAGE).sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0


def test_the_loss_is_the_squared_error_and_the_distance_of_each_pixel(distance: PerceptualDistance) -> None:
    verdict = parts("loss=lpips", "loss.weight=0.5").loss(Reconstruction(IMAGE + GRID, None, GRID.sum()), IMAGE)
    lpips = distance(IMAGE + GRID, IMAGE)
    torch.testing.assert_close(verdict.loss, (0.05**2 + 0.5 * lpips) * IMAGE.numel())
    torch.testing.assert_close(verdict.logs["lpips"], lpips.mean())


@pytest.mark.parametrize("shape", [(2, 28, 28), (1, 17, 28), (3, 28, 16)])
def test_images_that_the_network_cannot_see_are_refused(distance: PerceptualDistance, shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="LPIPS takes grey or RGB images of 18 pixels or more, and these are"):
        distance(torch.zeros(1, *shape), torch.zeros(1, *shape))
    least = torch.rand(2, shape[0] if shape[0] != 2 else 1, perceptual.LEAST_SIDE, perceptual.LEAST_SIDE)
    assert all(map(math.isfinite, distance(least, 1 - least)))


def test_only_the_weights_of_that_package_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Elsewhere:
        def locate_file(self, name: str) -> Path:
            return tmp_path / Path(name).name

    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(perceptual, "distribution", lambda name: Elsewhere())
    with pytest.raises(ConfigError, match=r"vgg_shift_tolerant\.pth is missing or not that of stlpips-pytorch 0\.0\.2"):
        PerceptualDistance()
    torch.save({}, tmp_path / "vgg_shift_tolerant.pth")
    with pytest.raises(ConfigError, match="is missing or not that of"):
        PerceptualDistance()
    monkeypatch.setattr(perceptual, "distribution", missing)
    with pytest.raises(ConfigError, match=r"a package more, its weights: pip install 'hourglass\[perceptual\]'"):
        PerceptualDistance()
