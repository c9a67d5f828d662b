"""The importance-weighted bound, where the likelihood is known, and beside the ELBO of a run."""

import json
import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from helpers.project import options, parts
from helpers.untrained_runs import untrained_run
from hourglass.cli import evaluate
from hourglass.core.errors import DataError
from hourglass.data import ImageData, NoCorruption, Splits
from hourglass.nn import Autoencoder
from hourglass.nn.autoencoder import Reconstruction
from hourglass.nn.decoders import LinearDecoder
from hourglass.nn.encoders import LinearEncoder
from hourglass.nn.latents import GaussianLatent
from hourglass.runs.baselines.compute import baselines_of
from hourglass.runs.evaluation.bound import importance_weighted, why_no_bound
from hourglass.training.module import AutoencoderModule
from hourglass.training.optimizers import adam

SHAPE, SIGMA = (1, 3, 4), 0.3
SYNTHETIC = ("data=synthetic", "data.image_shape=[1,12,12]", "data.source.train=600", "data.source.test=40")


class Gaussian(nn.Module):
    """-log N(target; pixels, σ²)"""

    nats = True

    def forward(self, result: Reconstruction, target: Tensor) -> Tensor:
        squares = (result.pixels - target).square().flatten(1).sum(1)
        return squares / (2 * SIGMA**2) + target[0].numel() / 2 * math.log(2 * math.pi * SIGMA**2)


class Source:
    image_shape = SHAPE

    def load(self) -> Splits:
        images = torch.randint(256, (40, *SHAPE), generator=torch.Generator().manual_seed(0)).byte()
        return Splits(*images.split([20, 8, 12]))


def linear_gaussian(data: ImageData, spoilt: float) -> tuple[AutoencoderModule, Tensor]:
    """x = W z + b + N(0, σ²) with orthogonal columns, and its exact posterior, whose mean is moved by `spoilt`; and the
    exact log likelihood of the test images."""
    scales, b = torch.tensor([2.0, 1.0, 0.5]), torch.linspace(0, 1, 12)
    axes = torch.linalg.qr(torch.randn(12, 3, generator=torch.Generator().manual_seed(1))).Q
    variances = 1 / (1 + scales.square() / SIGMA**2)
    to_mean = (variances * scales / SIGMA**2)[:, None] * axes.T  # (3, 12)
    model: Any = Autoencoder(
        SHAPE, encoder=partial(LinearEncoder, dim=3, activation="none"),
        latent=partial(GaussianLatent, dim=3, activation="none", beta=1.0, warmup_steps=0, free_bits=0.0),
        decoder=LinearDecoder, output="identity",
    )  # fmt: skip
    layers = {
        model.encoder.linear: (to_mean, -to_mean @ b), model.latent.mean: (torch.eye(3), torch.full((3,), spoilt)),
        model.latent.logvar: (torch.zeros(3, 3), variances.log()), model.latent.up[0]: (torch.eye(3), torch.zeros(3)),
        model.decoder.linear: (axes * scales, b),
    }  # fmt: skip
    with torch.no_grad():
        for layer, (weight, bias) in layers.items():
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    optimizer = partial(adam, lr=0.01, betas=(0.9, 0.99), weight_decay=0.0, schedule="cosine")
    module = AutoencoderModule(model, Gaussian(), optimizer, parts().metrics, seed=0, config={})
    images = data.pick("test", range(12)).target.flatten(1).double()
    covariance = (axes * scales.square()) @ axes.T + SIGMA**2 * torch.eye(12)
    return module, MultivariateNormal(b.double(), covariance.double()).log_prob(images).mean()


def test_where_the_posterior_is_exact_every_sample_gives_the_likelihood() -> None:
    data = ImageData(
        source=Source(),
        corruption=NoCorruption(),
        batch_size=4,
        eval_batch_size=5,
        val_size=None,
        num_workers=0,
        seed=0,
    )
    data.setup()
    trainer: Any = SimpleNamespace(strategy=SimpleNamespace(root_device="cpu"), num_test_batches=[math.inf])
    module, likelihood = linear_gaussian(data, 0.0)
    for samples in (1, 7):
        assert importance_weighted(module, data, trainer, samples) == pytest.approx(float(likelihood), abs=1e-4)
    module, _ = linear_gaussian(data, 0.1)
    loose, tight = (importance_weighted(module, data, trainer, samples) for samples in (1, 200))
    assert loose < float(likelihood) - 0.1
    assert tight == pytest.approx(float(likelihood), abs=0.1)
    data.eval_batch_size = 12
    assert importance_weighted(module, data, trainer, 1) == pytest.approx(loose, abs=1e-5)


def test_it_stands_beside_the_elbo_and_nothing_measured_before_is_lost(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", "model=vae", "channels=[4]", "latent.dim=2", *SYNTHETIC)
    records = []
    for more in (["iwae=3"], ["probe=true"], ["iwae=3", "probe=true"]):
        evaluate.main([f"run={run}", "accelerator=cpu", *more])
        (path,) = (run / "evaluations").glob("*.json")
        records.append((json.loads(path.read_text(encoding="utf-8"))["metrics"], path.stat().st_mtime_ns))
    (first, _), (second, before), (third, after) = records
    assert first["test/elbo"] < first["test/iwae_3"] < first["test/elbo"] + 5  # nats
    assert not any(name.startswith("probe/") for name in first)
    assert {"test/iwae_3", "probe/r2_kind", "probe/r2_angle_pca"} <= set(second)
    assert (third, before) == (second, after)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=linear"], "iwae= needs a variational code and a loss in nats"),
        (["model=vae", "loss=mse"], "iwae= needs a variational code and a loss in nats"),
        (
            ["model=vae", "encoder=maxpool", "decoder=max_unpool", "channels=[4]"],
            "argmax positions of the image reach this one beside it: leave it out, or .*decoder=resize",
        ),
        *(
            (["model=vae", "corruption=patches", f"loss.where={where}"], f"not loss.where={where}: .*where=all")
            for where in ("masked", "visible")
        ),
    ],
)
def test_where_nothing_is_bounded_the_cure_is_named_and_all_else_is_measured(
    tmp_path: Path, overrides: list[str], message: str
) -> None:
    """Beside another run of which there is a bound."""
    bounded = untrained_run(tmp_path / "a", "model=vae", "channels=[4]", "latent.dim=2", *SYNTHETIC)
    other = untrained_run(tmp_path / "b", *overrides, *SYNTHETIC)
    with pytest.raises(DataError, match=f"b could not be evaluated: .*{message}"):
        evaluate.main([f"run={tmp_path}", "accelerator=cpu", "iwae=3"])
    for run, has in ((bounded, True), (other, False)):
        (path,) = (run / "evaluations").glob("*.json")
        metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        assert metrics["test/mse"] > 0
        assert ("test/iwae_3" in metrics) == has


def test_the_error_at_a_sample_is_that_of_the_objective(tmp_path: Path) -> None:
    """With loss=mse that is the reconstruction over the pixels; and it is more than that of the mean."""
    run = untrained_run(tmp_path / "run", "model=vae", "loss=mse", "channels=[4]", "trainer=cpu", *SYNTHETIC)
    evaluate.main([f"run={run}", "accelerator=cpu"])
    (record,) = (run / "evaluations").glob("*.json")
    found = json.loads(record.read_text())["metrics"]
    assert found["test/sampled_mse"] == pytest.approx(found["test/reconstruction"] / 144, rel=1e-5)
    assert found["test/sampled_mse"] > found["test/mse"] * 1.0001


@pytest.mark.parametrize("decoder", [name for name in options("decoder") if name != "linear"])
def test_what_is_given_positions_beside_its_code_bounds_nothing(decoder: str, tmp_path: Path) -> None:
    given = parts(
        f"decoder={decoder}", f"encoder={'aps' if decoder == 'aps' else 'maxpool'}", "channels=[4]", "loss=gaussian",
        "latent=gaussian", "latent.dim=2", *SYNTHETIC,
    )  # fmt: skip
    model = given.autoencoder(given.data.image_shape)
    module = AutoencoderModule(model, given.loss, given.optimizer, given.metrics, seed=0, config={})
    bounds = decoder not in ("max_unpool", "aps")
    assert module.gives_elbo == bounds == (why_no_bound(module) is None)
    if decoder in ("max_unpool", "resize"):
        given.data.setup()
        assert ("ppca" in baselines_of(module, given.data, str(tmp_path))) == bounds
        trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
        (metrics,) = trainer.test(module, given.data, verbose=False)
        assert ("test/elbo" in metrics) == bounds
        assert metrics["test/kl"] >= 0
