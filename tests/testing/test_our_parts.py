"""Every part of `conf/` against the checks that other packages use; the operators are in tests/nn."""

import pytest
import torch

from helpers.project import configure, options, parts
from hourglass.config.parts import Parts
from hourglass.nn.contract import CodeSpec
from hourglass.testing import (
    check_augmentation,
    check_corruption,
    check_decoder,
    check_encoder,
    check_latent,
    check_loss,
    check_metric,
    check_source,
)
from hourglass.testing.judges import SHAPES
from hourglass.testing.networks import SPATIAL

METRICS = parts(f"metrics=[{','.join(options('metrics'))}]").metrics
EMBEDDED = [option for option in options("data") if "root" not in configure(f"data={option}").plain["data"]]

FEWER = {"photos": ("data.source.train=60", "data.source.val=20", "data.source.test=20")}


@pytest.fixture(autouse=True)
def _nothing_is_drawn() -> None:
    """A check leaves the global generator as it was."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("option", options("encoder"))
def test_every_encoder(option: str) -> None:
    check_encoder(parts(f"encoder={option}").encoder)


@pytest.mark.parametrize("option", options("decoder"))
def test_every_decoder(option: str) -> None:
    needs = {"max_unpool": "argmax", "aps": "polyphase"}.get(option)
    check_decoder(parts(f"decoder={option}").decoder, specs=[CodeSpec(((3, 33, 45), (4, 17, 23), (8, 9, 12)), needs)])


@pytest.mark.parametrize("option", options("latent"))
def test_every_latent(option: str) -> None:
    specs = {"specs": [SPATIAL]} if option == "gaussian_spatial" else {}
    check_latent(parts(f"latent={option}").latent, **specs)


@pytest.mark.parametrize("option", EMBEDDED)
def test_every_source_that_needs_no_files(option: str) -> None:
    pytest.importorskip("skimage" if option == "photos" else "torch")
    check_source(lambda: Parts(configure(f"data={option}", *FEWER.get(option, ()))).data.source)


@pytest.mark.parametrize("option", options("corruption"))
def test_every_corruption(option: str) -> None:
    check_corruption(lambda: Parts(configure(f"corruption={option}")).data.corruption)


@pytest.mark.parametrize("option", options("augmentation"))
def test_every_augmentation(option: str) -> None:
    check_augmentation(lambda: Parts(configure(f"augmentation={option}")).data.augmentation)


@pytest.mark.parametrize("option", options("loss"))
def test_every_loss(option: str) -> None:
    shapes = SHAPES if option != "lpips" else SHAPES[:2]  # which refuses small images
    check_loss(lambda: Parts(configure(f"loss={option}")).loss, image_shapes=shapes)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 45, 50)])
def test_every_metric(metric: str, shape: tuple[int, ...]) -> None:
    check_metric(METRICS[metric], image_shape=shape)
