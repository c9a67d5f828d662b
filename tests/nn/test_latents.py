"""Every latent of `conf/` between encoders and decoders: it trains, or says what to use instead."""

import itertools
import re

import pytest
import torch

from helpers.project import batch_of, options, parts
from helpers.variants import part
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.nn import Autoencoder

ENCODERS, DECODERS = ("linear", "aps", "maxpool", "haar"), ("linear", "transpose", "max_unpool", "haar")
SHAPES = ((1, 28, 28), (3, 33, 45))
WIDTHS = "channels=[4,16]"


def pair_with(latent: str, encoder: str, decoder: str, shape: tuple[int, ...]) -> Autoencoder:
    sides = {"encoder": parts(f"encoder={encoder}", WIDTHS).encoder, "decoder": parts(f"decoder={decoder}").decoder}
    torch.manual_seed(0)
    model: Autoencoder = parts().model(shape, latent=part("latent", latent), **sides)
    return model


PAIRS = {
    "some": [(pair, SHAPES[i % 2]) for i, pair in enumerate(zip(ENCODERS, DECODERS, strict=True))],
    "all": list(itertools.product(itertools.product(ENCODERS, DECODERS), SHAPES)),
}


@pytest.mark.parametrize("which", ["some", pytest.param("all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("latent", options("latent"))
def test_every_latent_trains_a_step_in_every_pair_or_says_why_not(latent: str, which: str) -> None:
    trained, refusals = 0, []
    for (encoder, decoder), shape in PAIRS[which]:
        x = batch_of(shape, 4)
        try:
            model = pair_with(latent, encoder, decoder, shape)
        except (IncompatiblePair, ConfigError) as refused:
            refusals.append(str(refused))
            continue
        drawn = model.latent.noise_shape
        noise = None if drawn is None else torch.randn(4, *drawn)
        result = model.reconstruct(x, noise)
        assert result.pixels.shape == x.shape
        before = (result.pixels - x).square().sum() / 4 + result.regularization
        before.backward()
        parameters = [weights for weights in model.parameters() if weights.grad is not None]
        assert all(weights.grad.isfinite().all() for weights in parameters)  # type: ignore[union-attr]
        assert any(weights.grad.any() for weights in model.encoder.parameters()), (encoder, decoder)  # type: ignore[union-attr]
        trained += 1
    assert all(re.search(r"use .*\w=\w", refusal) for refusal in refusals), refusals
    assert trained >= len(PAIRS[which]) // 4


@pytest.mark.parametrize("latent", options("latent"))
def test_every_latent_can_be_built_without_values(latent: str) -> None:
    """As a run is read: the shapes of a stranger's weights are compared before any memory is taken."""
    with torch.device("meta"):
        model = pair_with(latent, "maxpool", "transpose", (1, 28, 28))
    built = pair_with(latent, "maxpool", "transpose", (1, 28, 28))
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    assert all(tensor.device.type == "meta" for tensor in model.state_dict().values())
    assert shapes == {name: tensor.shape for name, tensor in built.state_dict().items()}
