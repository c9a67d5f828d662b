"""The bits of every kind of code against a count by hand."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from helpers.project import autoencoder_for
from hourglass.metrics import cost
from hourglass.nn import Autoencoder, Coded, CodeSpec, LinearDecoder, LinearEncoder, NoLatent

DIGITS, COLOUR = (1, 28, 28), (3, 33, 45)


class Levels(NoLatent):
    """Five levels for each number."""

    def __init__(self, spec: CodeSpec) -> None:
        super().__init__(spec)
        self.code_bits = self.code_size * math.log2(5)


class Silent(NoLatent):
    def __init__(self, spec: CodeSpec) -> None:
        super().__init__(spec)
        del self.code_bits


class Measured(NoLatent):
    def __init__(self, spec: CodeSpec) -> None:
        super().__init__(spec)
        self.code_bits = None

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        return super().forward(code)._replace(logs={"kl": code.mean()})


def own(latent: Any) -> Autoencoder:
    return Autoencoder(
        COLOUR, encoder=partial(LinearEncoder, dim=6, activation="none"), latent=latent, decoder=LinearDecoder,
        output="identity",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "overrides", "bits"),
    [
        (DIGITS, (), 32 * 32 * 7 * 7),
        (COLOUR, (), 32 * 32 * 9 * 12),
        (DIGITS, ("latent=dense", "latent.dim=9"), 32 * 9),
        (DIGITS, ("model=linear",), 32 * 32),
        (DIGITS, ("decoder=max_unpool",), 32 * 1568 + 2 * (16 * 14 * 14 + 32 * 7 * 7)),  # one of 2·2 places each
        (DIGITS, ("encoder=aps", "decoder=aps"), 32 * 1568 + 2 + 2),  # one of 2·2 grids at each stage
    ],
)  # fmt: skip
def test_numbers_count_32_bits_and_positions_are_added(shape: Any, overrides: Any, bits: int) -> None:
    pixels = shape[1] * shape[2]  # whatever the channels
    model = autoencoder_for(shape, *overrides)
    assert cost.rate(model, {}) == pytest.approx({"code_bits": bits, "bits_per_pixel": bits / pixels}, rel=1e-12)


def test_a_gaussian_code_costs_its_kl() -> None:
    model = autoencoder_for(COLOUR, "latent=gaussian", "latent.dim=5").double().eval()
    images = torch.rand(7, *COLOUR, dtype=torch.float64)
    with torch.no_grad():
        code = model.encoder(images).code.flatten(1)
        posterior = Normal(model.latent.mean(code), (model.latent.logvar(code) / 2).exp())
        nats = kl_divergence(posterior, Normal(0, 1)).sum(1).mean().item()
        logged = model.reconstruct(images).logs["kl"].item()
    found = cost.rate(model, {"test/kl": logged})
    assert found == pytest.approx({"code_bits": nats / math.log(2), "bits_per_pixel": nats / math.log(2) / (33 * 45)})
    assert cost.rate(model, {"test/kl": -1e-9})["code_bits"] == 0
    assert math.isnan(cost.rate(model, {"test/kl": math.nan})["bits_per_pixel"])


def test_latents_of_others_say_it_or_count_32_bits_a_number() -> None:
    assert cost.rate(own(Levels), {})["code_bits"] == pytest.approx(math.log2(5**6))
    assert cost.rate(own(Silent), {})["code_bits"] == 32 * 6
    assert cost.rate(own(Measured), {"test/kl": 3 * math.log(2)})["code_bits"] == pytest.approx(3)
