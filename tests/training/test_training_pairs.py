"""Every encoder with every decoder, on three sizes of images: it learns, or it says why not."""

import pytest
import torch
from torch import nn

from helpers.project import batch_of, options, pair_for
from hourglass.core.errors import IncompatiblePair

SHAPES = [(1, 28, 28), (1, 25, 25), (3, 33, 45)]
PAIRS = [
    pytest.param(encoder, decoder, marks=() if {"maxpool", "transpose"} & {encoder, decoder} else pytest.mark.slow)
    for encoder in options("encoder")
    for decoder in options("decoder")
]


@pytest.mark.parametrize("shape", [SHAPES[0], *(pytest.param(s, marks=pytest.mark.slow) for s in SHAPES[1:])], ids=str)
@pytest.mark.parametrize(("encoder", "decoder"), PAIRS)
def test_every_pair_trains_or_says_why_not(encoder: str, decoder: str, shape: tuple[int, ...]) -> None:
    try:
        model = pair_for(shape, encoder, decoder, "channels=[4,8]")
    except IncompatiblePair as error:
        refusal = str(error)
    else:
        learns(model, batch_of(shape))
        return
    assert any(f"{group}={option}" in refusal for group in ("encoder", "decoder") for option in options(group))


def learns(model: nn.Module, x: torch.Tensor) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        loss = (model(x) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert model(x).shape == x.shape
    assert losses[-1] < 0.98 * losses[0]
