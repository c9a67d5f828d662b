"""Every latent between encoders and decoders of every kind: it trains, or it says why not."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from helpers.project import options, parts
from hourglass.core.errors import IncompatiblePair

ENCODERS, DECODERS = ("strided", "maxpool", "aps", "linear"), ("transpose", "max_unpool", "resize", "linear")
FEW, ALL = list(zip(ENCODERS, DECODERS, strict=True)), list(itertools.product(ENCODERS, DECODERS))


@pytest.mark.parametrize(
    ("shape", "pairs"),
    [
        pytest.param((1, 28, 28), FEW, id="few"),
        pytest.param((1, 28, 28), ALL, id="grey", marks=pytest.mark.slow),
        pytest.param((3, 33, 45), ALL, id="colour", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("latent", options("latent"))
def test_every_latent_trains_between_every_pair_or_says_why_not(
    latent: str, shape: tuple[int, ...], pairs: list[tuple[str, str]]
) -> None:
    trained, refusals = 0, list[str]()
    for encoder, decoder in pairs:
        small = [f"encoder={encoder}"] + ([] if "linear" in encoder else ["channels=[4,8]"])
        torch.manual_seed(0)
        try:
            model = parts().model(
                shape,
                encoder=parts(*small).encoder,
                latent=parts(f"latent={latent}").latent,
                decoder=parts(f"decoder={decoder}").decoder,
            )
        except IncompatiblePair as refusal:
            refusals.append(str(refusal))
            continue
        trained += moves(model, torch.rand(4, *shape))
    assert trained >= len(pairs) / 2
    assert all("use " in refusal for refusal in refusals)


def moves(model: Any, images: Tensor) -> bool:
    """One step moves every weight that the images reach."""
    shape = model.latent.noise_shape
    before = [weight.detach().clone() for weight in model.parameters()]
    result = model.reconstruct(images, None if shape is None else torch.randn(len(images), *shape))
    assert result.pixels.shape == images.shape
    ((result.pixels - images).square().sum() + result.regularization).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    moved = [not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
    assert all(weight.isfinite().all() for weight in model.parameters())
    return sum(moved) > len(moved) / 2
