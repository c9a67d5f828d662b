"""Latents and losses of one's own: what they log, what they learn, and what they hold frozen."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from helpers import by_hand
from hourglass.core.errors import ConfigError, DataError, Interrupted
from hourglass.core.signals import StopRequest
from hourglass.metrics import Measure, cost
from hourglass.nn import Coded, GaussianLatent, Judged, Reconstruction
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.loggers.metrics_csv import read_rows


class Logging(GaussianLatent):
    """Also logs the largest number of the code."""

    measures: ClassVar = {"largest": Measure("largest number", better="lower")}

    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        coded = super().forward(code, noise)
        return coded._replace(logs={**coded.logs, "largest": code.abs().max()})


class Perceptual(nn.Module):
    """Of frozen random features with a BatchNorm, and with a weight that is learned."""

    nats = False

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).requires_grad_(False)
        weight = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(seed))
        self.features[0].weight.copy_(weight)
        self.features[0].bias.zero_()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Judged:
        features = self.features(reconstruction.pixels) - self.features(target)
        pixels = (reconstruction.pixels - target).square().flatten(1).sum(1)
        return Judged(features.square().flatten(1).sum(1) * self.scale.exp() + pixels, {"pixels": pixels.mean()})


make = partial(by_hand.module, loss=Perceptual, latent=Logging)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("whole")
    return folder, by_hand.fit(by_hand.trainer_for(folder), make=make)


def test_what_a_latent_and_a_loss_log_is_logged_in_training_and_validation(whole: Any) -> None:
    rows = read_rows(whole[0] / "metrics.csv")
    last = {name: value for row in rows.values() for name, value in row.items()}
    for name in ("largest", "pixels", "kl", "reconstruction"):
        assert {f"train/{name}", f"val/{name}"} <= last.keys()
    assert last["val/reconstruction"] > last["val/pixels"] > 0
    assert "val/elbo" not in last  # its loss is no likelihood
    assert whole[1].measures["largest"].better == "lower"
    assert whole[1].measures["kl"].unit == "nats"
    assert "pixels" not in whole[1].measures


def test_validation_values_are_means_over_the_images() -> None:
    """Two batches of 8 images, and one of 5, which counts less."""
    module = make()
    scores = module.scores["val"]
    for value, n in ((1.0, 8), (3.0, 8), (9.0, 5)):
        scores.update_means(dict.fromkeys(scores.mean_names, torch.tensor(value)), n)
    assert scores.take()["largest"] == pytest.approx((1 * 8 + 3 * 8 + 9 * 5) / 21)
    with pytest.raises(ConfigError, match="largest, pixels is logged in some batches and not in others"):
        scores.update_means(dict.fromkeys(("loss", "reconstruction", "kl", "sampled_mse"), torch.tensor(0.0)), 1)


def test_a_frozen_network_is_in_no_checkpoint_and_no_optimizer_and_stays_as_it_is(whole: Any) -> None:
    folder, module = whole
    saved = read_checkpoint(checkpoint_path(folder, "last"))
    assert [key for key in saved["state_dict"] if key.startswith("loss.")] == ["loss.scale"]
    assert not module.loss.features.training
    assert module.train().loss.training
    assert not module.loss.features[2].training
    assert module.loss.features[1].num_batches_tracked == 0
    assert module.loss.scale != 1  # learned
    assert torch.equal(module.loss.features[0].weight, Perceptual().features[0].weight)
    optimised = {id(one) for group in module.trainer.optimizers[0].param_groups for one in group["params"]}
    assert optimised == {id(one) for one in (*module.autoencoder.parameters(), module.loss.scale)}
    own = sum(parameter.numel() for parameter in module.autoencoder.parameters())
    assert cost.of(module.autoencoder)["num_params"] == own


@pytest.mark.parametrize("batch", [1, by_hand.PER_EPOCH + 3])
def test_a_run_with_such_a_loss_is_continued_with_the_same_bits(whole: Any, tmp_path: Path, batch: int) -> None:
    stop = StopRequest()
    with stop, pytest.raises(Interrupted):
        by_hand.fit(by_hand.trainer_for(tmp_path, [by_hand.At(batch, by_hand.terminate)], stop), make=make)
    continued = by_hand.fit(by_hand.trainer_for(tmp_path), resume=True, make=make)
    for name, weights in whole[1].state_dict().items():
        assert torch.equal(weights, continued.state_dict()[name]), name
    assert (tmp_path / "metrics.csv").read_bytes() == (whole[0] / "metrics.csv").read_bytes()


def test_other_frozen_weights_than_then_are_refused(whole: Any) -> None:
    saved = read_checkpoint(checkpoint_path(whole[0], "last"))
    other = by_hand.module(loss=partial(Perceptual, seed=1), latent=Logging)
    with pytest.raises(DataError, match="the frozen network of the loss Perceptual is not the one of then"):
        other.load_loss(saved)
    same = make()
    same.load_loss(saved)
    assert torch.equal(same.loss.scale, whole[1].loss.scale)


def latent_that_logs(logs: object, bits: float | None = 0.0) -> Callable[..., Any]:
    class Odd(GaussianLatent):
        code_bits = bits

        def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
            return super().forward(code, noise)._replace(logs=logs)  # type: ignore[arg-type]

    return Odd


def loss_that_says(answer: Callable[[Tensor], object], nats: object = False) -> Callable[[], Any]:
    class Odd(nn.Module):
        def forward(self, reconstruction: Reconstruction, target: Tensor) -> object:
            return answer(target)

    Odd.nats = nats  # type: ignore[attr-defined]
    return Odd


ZERO = torch.zeros(())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"latent": latent_that_logs({"loss": ZERO})}, "the latent logs loss, which is the name of a"),
        ({"latent": latent_that_logs({"phase_bias_2": ZERO})}, "logs phase_bias_2, .* of a number of hourglass"),
        ({"latent": latent_that_logs({"a/b": ZERO})}, "logs a/b"),
        ({"latent": latent_that_logs({"x": torch.zeros(3)})}, "Odd logs x, which is no scalar tensor"),
        ({"latent": latent_that_logs({}, bits=None)}, "Odd has code_bits=None, .* log the KL divergence"),
        ({"latent": latent_that_logs(ZERO)}, "Odd returned Tensor as its logs"),
        ({"loss": loss_that_says(lambda x: Judged(torch.zeros(len(x)), {"psnr": ZERO}))}, "the loss logs psnr"),
        ({"loss": loss_that_says(lambda x: Judged(torch.zeros(len(x)), {"kl": ZERO}))}, "the loss logs kl"),
        ({"loss": loss_that_says(lambda x: torch.zeros(()))}, r"returned \(\): a loss gives a value for each image"),
        ({"loss": loss_that_says(lambda x: 3)}, "returned int: a loss gives a value for each image"),
        ({"loss": loss_that_says(lambda x: torch.zeros(len(x)), nats=None)}, "the loss Odd has no `nats`"),
    ],
)
def test_what_cannot_be_logged_is_refused_before_the_first_step(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        by_hand.module(**parts)
