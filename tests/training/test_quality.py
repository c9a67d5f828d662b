"""What the default budget reaches, compared with what is known: PCA, the Wiener filter, the mean image."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import hourglass
from helpers.project import run_train
from hourglass.metrics import baselines


def metrics_of(folder: Path, *overrides: str) -> dict[str, float]:
    done = run_train(folder, "logger=none", "trainer.enable_progress_bar=false", *overrides)
    assert done.returncode == 0, done.stderr
    return summary_of(folder)["metrics"]


def summary_of(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return summary


def train_mse(folder: Path, *overrides: str) -> float:
    """MSE of the trained network on its own clean training images."""
    metrics_of(folder, "callbacks.checkerboards.images=50", *overrides)
    x = hourglass.load_data(folder).images["train"].images.float() / 255
    with torch.no_grad():
        return (hourglass.load_run(folder)(x) - x).double().square().mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("dim", [8, 16, 32])
def test_the_affine_autoencoder_reaches_pca_and_never_passes_it(tmp_path: Path, dim: int) -> None:
    reached = train_mse(tmp_path, "experiment=linear_vs_pca", f"encoder.dim={dim}")
    train = hourglass.load_data(tmp_path).images["train"].images
    best = baselines.pca(train, train, dim)
    assert best <= reached <= 1.005 * best


@pytest.mark.slow
def test_the_linear_convolution_reaches_the_pca_of_patches(tmp_path: Path) -> None:
    reached = train_mse(tmp_path, "experiment=conv_vs_patch_pca")
    train = hourglass.load_data(tmp_path).images["train"].images
    assert reached == pytest.approx(baselines.patch_pca(train, train, 4, 4), rel=0.01)


@pytest.mark.slow
def test_the_linear_denoiser_reaches_its_wiener_filter(tmp_path: Path) -> None:
    metrics_of(tmp_path, "experiment=linear_vs_pca", "encoder.dim=64", "corruption=gaussian", "corruption.std=0.3")
    assert summary_of(tmp_path)["ratios"]["wiener_code"] == pytest.approx(1, abs=0.02)


@pytest.mark.slow
def test_the_first_run_beats_pca_of_as_many_numbers_by_40_percent(tmp_path: Path) -> None:
    reached = metrics_of(tmp_path)["test/mse"]
    images = hourglass.load_data(tmp_path).images
    assert reached < 0.6 * baselines.pca(images["train"].images, images["test"].images, 16)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_decoder_that_copies_values_starts_on_dark_images(tmp_path: Path, seed: int) -> None:
    """Starting from a grey of 0.5, most of these ended in a black image, MSE 0.1."""
    given = ("model=conv", "decoder=bilinear", f"seed={seed}", "trainer.max_epochs=4", "baselines=null")
    trained = metrics_of(tmp_path, *given)
    assert trained["test/mse"] < 0.02


@pytest.mark.slow
def test_denoising_gains_5_db(tmp_path: Path) -> None:
    assert metrics_of(tmp_path, "model=denoising", "corruption.std=0.3")["test/psnr_gain"] > 5


@pytest.mark.slow
def test_the_vae_uses_its_code_and_beats_the_mean_image(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path, "model=vae")
    images = hourglass.load_data(tmp_path).images
    mean = (images["train"].images.double() / 255).mean(0).clamp(1e-6, 1 - 1e-6)
    target = images["test"].images.double() / 255
    baseline = (target * mean.log() + (1 - target) * (1 - mean).log()).sum((1, 2, 3)).mean().item()
    assert metrics["test/kl"] > 10
    assert metrics["test/elbo"] > baseline + 50
    assert metrics["test/elbo"] == pytest.approx(-metrics["test/reconstruction"] - metrics["test/kl"], rel=1e-5)
    samples = hourglass.load_run(tmp_path).sample(torch.randn(200, 16, generator=torch.Generator().manual_seed(0)))
    assert (tmp_path / "images" / "samples_epoch0015.png").exists()
    # samples have the ink of digits: neither empty, full, nor grey
    assert 0.08 < samples.mean() < 0.2
    assert ((samples < 0.1) | (samples > 0.9)).float().mean() > 0.75


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_codes_of_fsq_are_used(tmp_path: Path, seed: int) -> None:
    """All 25, on the emoji: a codebook that learns nothing cannot collapse."""
    given = ("model=conv", "data=emoji", "latent=fsq", "latent.levels=[5,5]", "activation=leaky_relu", f"seed={seed}")
    trained = ("optimizer.lr=0.003", "trainer.max_steps=400", "trainer.max_epochs=200", "baselines=null")
    metrics = metrics_of(tmp_path, "callbacks.checkerboards.images=50", *given, *trained)
    assert metrics["test/usage"] >= 0.95
    assert metrics["test/perplexity"] > 10
