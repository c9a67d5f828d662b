"""What is wrong with a network has a name: every symptom is recognised, and reported once."""

import logging
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from helpers.project import autoencoder_for, options, parts
from hourglass.config.compose import option
from hourglass.data.batches import Batch
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.training.callbacks.health import CURES, Health, advice, diagnostics

DIGITS: ImageData = parts().data
DIGITS.setup()
BATCH: Batch = DIGITS.pick("test", range(64))


def ill(model: Autoencoder, symptom: str) -> Autoencoder:
    with torch.no_grad():
        if symptom in ("constant output", "short range"):
            model.decoder.linear.weight.zero_()
        elif symptom == "dead units":
            model.encoder.linear.bias.fill_(-1e3)
        elif symptom == "saturated sigmoid":
            model.decoder.linear.bias.fill_(50.0)
        elif symptom == "exploding code":
            model.encoder.linear.weight.mul_(1e7)
        elif symptom == "codebook collapse":
            model.latent.quantizer.layers[0]._codebook.embed.zero_()
    return model


@pytest.mark.parametrize("symptom", CURES)
def test_every_symptom_is_recognised(symptom: str) -> None:
    latent = ["latent=vq"] if symptom == "codebook collapse" else []
    assert symptom in diagnostics(ill(autoencoder_for((1, 28, 28), "model=linear", *latent), symptom), BATCH)


@pytest.mark.parametrize("latent", options("latent"))
def test_what_is_advised_can_be_done_with_this_latent(latent: str) -> None:
    """Every option of the latent that is named is one that it has, and no latent is advised to be itself."""
    model = autoencoder_for((1, 8, 8), "model=conv", "channels=[4]", f"latent={latent}")
    has = set(option("latent", latent))
    for symptom in CURES:
        told = advice(symptom, model.latent)
        assert set(re.findall(r"latent\.(\w+)", told)) <= has, told
        assert latent not in re.findall(r"latent=(\w+)", told), told
        assert "optimizer" in told.partition(": try ")[2], told
    for name in {"dim", "beta", "levels", "diversity", "dead_below", "codebook_size"} & has:
        assert any(f"latent.{name}" in advice(symptom, model.latent) for symptom in CURES), name


def test_the_network_is_left_in_the_mode_it_had() -> None:
    model = autoencoder_for((1, 28, 28)).train()
    diagnostics(model, BATCH)
    assert model.training


class Perfect(nn.Module):
    """Returns its input."""

    def encoder(self, images: Tensor) -> SimpleNamespace:
        return SimpleNamespace(code=images)

    def reconstruct(self, images: Tensor) -> SimpleNamespace:
        return SimpleNamespace(pixels=images, logits=images.clamp(1e-6, 1 - 1e-6).logit(), codes=None)


def test_a_healthy_network_has_no_symptoms() -> None:
    batch = replace(BATCH, input=BATCH.target[..., 8:20, 8:20], target=BATCH.target[..., 8:20, 8:20])
    assert diagnostics(Perfect(), batch) == []  # type: ignore[arg-type]


def test_a_symptom_is_reported_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.WARNING)
    model = ill(autoencoder_for((1, 28, 28), "model=linear"), "constant output")
    trainer = SimpleNamespace(sanity_checking=False, is_global_zero=True, datamodule=DIGITS)
    module = SimpleNamespace(autoencoder=model, device="cpu")
    health = Health(images=16)
    for epoch in (2, 3, 4):
        monkeypatch.setattr(DIGITS, "epoch", epoch)
        health.on_validation_end(trainer, module)  # type: ignore[arg-type]
    assert caplog.text.count("health, epoch 3: constant output") == 1
    assert health.since["constant output"] == 3


def test_a_constant_output_at_the_only_look_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = SimpleNamespace(sanity_checking=False, is_global_zero=True, datamodule=DIGITS)
    monkeypatch.setattr(DIGITS, "epoch", 7)
    health = Health(images=16)
    for symptom, told in (("exploding code", {}), ("constant output", {"constant output": 7})):
        model = ill(autoencoder_for((1, 28, 28), "model=linear"), symptom)
        health.on_validation_end(trainer, SimpleNamespace(autoencoder=model, device="cpu"))  # type: ignore[arg-type]
        assert health.at_the_end() == told
        health = Health(images=16)
