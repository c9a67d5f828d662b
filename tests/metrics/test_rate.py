"""The bits of every kind of code against a count by hand."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from helpers.project import autoencoder_for, options
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


PLACES, POSITIONS = 7 * 7, 2 * (16 * 14 * 14 + 32 * 7 * 7)
"""Of a code of (32, 7, 7); bits of the positions of max pooling, one of 2·2 places for each of its values"""
BY_HAND = {
    "none": 32 * 32 * PLACES,
    "dense": 32 * 16,
    "sparse": 32 * 128,
    "topk": 32 * 16 + math.log2(math.factorial(128) // (math.factorial(16) * math.factorial(112))),
    "contractive": 32 * 16,
    "wae": 32 * 16,
    "gaussian": None,
    "gaussian_spatial": None,
    "info": None,
    "vq": PLACES * 8,
    "rvq": PLACES * 4 * 6,
    "simvq": PLACES * 8,
    "fsq": PLACES * (math.log2(8) + math.log2(6) + math.log2(5)),
    "lfq": PLACES * 8,
}
"""Bits of the default of each option of conf/latent; None: its KL divergence"""


@pytest.mark.parametrize("decoder", ["transpose", "max_unpool"])
@pytest.mark.parametrize("option", options("latent"))
def test_the_bits_of_every_latent_are_those_of_a_count_by_hand(option: str, decoder: str) -> None:
    model = autoencoder_for(DIGITS, f"latent={option}", f"decoder={decoder}")
    nats = 20.0
    code = BY_HAND[option]
    bits = (nats / math.log(2) if code is None else code) + (POSITIONS if decoder == "max_unpool" else 0)
    measured = {"test/kl": nats} if "kl" in model.reconstruct(torch.rand(2, *DIGITS)).logs else {}
    assert bool(measured) == (code is None)
    assert cost.rate(model, measured) == pytest.approx({"code_bits": bits, "bits_per_pixel": bits / 784}, rel=1e-9)


@pytest.mark.parametrize(("option", "size"), [("gaussian", 5), ("info", 5), ("gaussian_spatial", 5 * 9 * 12)])
def test_a_gaussian_code_costs_its_kl(option: str, size: int) -> None:
    model = autoencoder_for(COLOUR, f"latent={option}", "latent.dim=5").double().eval()
    images = torch.rand(7, *COLOUR, dtype=torch.float64)
    with torch.no_grad():
        mean, logvar = (part.flatten(1) for part in model.latent.posterior(model.encoder(images).code))
        assert mean.shape == (7, size)
        nats = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(0, 1)).sum(1).mean().item()
        logged = model.reconstruct(images).logs["kl"].item()
    found = cost.rate(model, {"test/kl": logged})
    assert found == pytest.approx({"code_bits": nats / math.log(2), "bits_per_pixel": nats / math.log(2) / (33 * 45)})
    assert cost.rate(model, {"test/kl": -1e-9})["code_bits"] == 0
    assert math.isnan(cost.rate(model, {"test/kl": math.nan})["bits_per_pixel"])


def test_latents_of_others_say_it_or_count_32_bits_a_number() -> None:
    assert cost.rate(own(Levels), {})["code_bits"] == pytest.approx(math.log2(5**6))
    assert cost.rate(own(Silent), {})["code_bits"] == 32 * 6
    assert cost.rate(own(Measured), {"test/kl": 3 * math.log(2)})["code_bits"] == pytest.approx(3)
