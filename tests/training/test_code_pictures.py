"""Pictures of a code: what is in their cells is what they say."""

from collections.abc import Mapping

import pytest
import torch
from PIL import Image
from torch import Tensor

from helpers.project import autoencoder_for
from hourglass.data import pictures
from hourglass.training.callbacks.code_pictures import STEPS, code_pictures

SHAPE = (1, 12, 12)
Rows = Mapping[str, Tensor]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Rows]:
    """The rows that grids are made of."""
    seen: list[Rows] = []
    plain = pictures.grid

    def grid(rows: dict[str, Tensor]) -> Image.Image:
        seen.append(rows)
        return plain(rows)

    monkeypatch.setattr(pictures, "grid", grid)
    return seen


@torch.no_grad()
def test_what_lies_between_codes_and_what_their_numbers_do(drawn: list[Rows]) -> None:
    model = autoencoder_for(SHAPE, "model=linear", "latent=dense", "latent.dim=10").eval()
    images = torch.rand(30, *SHAPE)
    assert set(code_pictures(model, images, 5)) == {"neighbours", "interpolations", "traversals"}
    neighbours, interpolations, traversals = drawn

    codes = model.embed(images)
    order = torch.cdist(codes[:5], codes).argsort(1)
    torch.testing.assert_close(neighbours["test image"], images[order[:, 0]])
    torch.testing.assert_close(neighbours["nearest 4"], images[order[:, 4]])

    assert list(interpolations) == ["0 to 1", "2 to 3"]
    ends = torch.stack([row[i] for row in interpolations.values() for i in (0, -1)])
    torch.testing.assert_close(ends, model(images[:4]))

    spread = codes.std(0, correction=0)
    assert list(traversals) == [f"number {i}" for i in spread.argsort(descending=True)[:8]]
    first = int(spread.argmax())
    code = codes[:1].repeat(STEPS, 1)
    code[:, first] = codes[:, first].mean() + spread[first] * torch.linspace(-2, 2, STEPS)
    torch.testing.assert_close(traversals[f"number {first}"], model.pixels_of_code(model.latent.expand(code)))


@torch.no_grad()
@pytest.mark.parametrize(
    ("overrides", "names"),
    [(["decoder=max_unpool"], {"neighbours"}), (["latent=none"], {"neighbours", "interpolations", "traversals"})],
)
def test_what_a_network_does_not_allow_is_not_drawn(overrides: list[str], names: set[str]) -> None:
    model = autoencoder_for(SHAPE, "channels=[4]", *overrides).eval()
    assert set(code_pictures(model, torch.rand(3, *SHAPE), 3)) == names
    assert set(code_pictures(model, torch.rand(1, *SHAPE), 1)) == names - {"interpolations"}
