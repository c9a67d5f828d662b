"""Sparse and penalised codes against counts, autograd, and loops in numpy."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.nn import (
    Autoencoder,
    CodeSpec,
    ContractiveLatent,
    ConvEncoder,
    InfoLatent,
    LinearDecoder,
    LinearEncoder,
    MaxPool,
    SparseLatent,
    Strided,
    TopKLatent,
    WassersteinLatent,
)  # fmt: skip
from hourglass.nn.latents.penalties import mmd
from hourglass.testing import check_latent
from hourglass.training.losses import refuse_small_batch
from hourglass.training.scores import Scores

SPEC = CodeSpec(((1, 6, 6), (12,)), None)
relu = {"activation": "relu"}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("k", [1, 3, 20])
def test_top_k_keeps_the_k_largest_and_counts_their_bits(k: int) -> None:
    latent = TopKLatent(SPEC, dim=20, k=k, **relu)
    code = torch.randn(50, 12)
    kept, dense = latent.bottleneck(code), latent.down(code)
    assert ((kept != 0).sum(1) == k).all()
    assert torch.equal(kept[kept != 0], dense[kept != 0])
    for row, of_all in zip(kept, dense, strict=True):
        assert set(row[row != 0].tolist()) == set(sorted(of_all.tolist())[20 - k :])
    assert latent.code_bits == pytest.approx(32 * k + {1: math.log2(20), 3: math.log2(1140), 20: 0}[k])


def test_more_values_than_there_are_cannot_be_kept() -> None:
    with pytest.raises(ConfigError, match=r"latent.k=21 of latent.dim=20 values .* use latent.k=20 or less"):
        TopKLatent(SPEC, dim=20, k=21, **relu)


def test_the_penalties_of_a_sparse_code_are_sums_by_hand() -> None:
    code = torch.randn(30, 12)
    l1 = SparseLatent(SPEC, dim=5, penalty="l1", weight=0.7, activity=0.1, **relu)
    values = (code.double() @ l1.down.weight.double().T + l1.down.bias.double()).relu()
    torch.testing.assert_close(l1(code).logs["sparsity"].double(), values.abs().sum() / 30)
    torch.testing.assert_close(l1(code).regularization, 0.7 * l1(code).logs["sparsity"])
    kl = SparseLatent(SPEC, dim=5, penalty="kl", weight=3.0, activity=0.1, **relu)
    means = kl.bottleneck(code).double().mean(0)
    bernoulli = torch.distributions.Bernoulli
    expected = torch.distributions.kl_divergence(bernoulli(torch.full_like(means, 0.1)), bernoulli(means)).sum()
    torch.testing.assert_close(kl(code).regularization.double(), 3 * expected)


def by_loop(codes: np.ndarray, prior: np.ndarray) -> float:
    n, constant = len(codes), 2 * codes.shape[1]
    total = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                for a, b, sign in ((codes, codes, 1), (prior, prior, 1), (codes, prior, -1), (prior, codes, -1)):
                    total += sign * constant / (constant + ((a[i] - b[j]) ** 2).sum())
    return total / (n * (n - 1))


def test_mmd_is_that_of_a_loop_over_all_pairs() -> None:
    codes, prior = torch.randn(9, 4, dtype=torch.float64) * 2 + 1, torch.randn(9, 4, dtype=torch.float64)
    assert mmd(codes, prior).item() == pytest.approx(by_loop(codes.numpy(), prior.numpy()), abs=1e-12)


@pytest.mark.parametrize("paired", [False, True])
def test_mmd_of_equal_distributions_is_zero_within_its_standard_error(paired: bool) -> None:
    """Also where each code was made with the draw that stands beside it, as those of a variational code are."""
    values = []
    for _ in range(400):
        prior = torch.randn(16, 3)
        values.append(mmd(0.6 * torch.randn(16, 3) + 0.8 * prior if paired else torch.randn(16, 3), prior))
    estimates = torch.stack(values)
    assert abs(estimates.mean()) < 3 * estimates.std() / 20
    assert mmd(torch.randn(200, 3) + 2, torch.randn(200, 3)) > 0.1


@pytest.mark.parametrize(
    "make",
    [
        partial(WassersteinLatent, SPEC, dim=4, weight=1.0, **relu),
        partial(InfoLatent, SPEC, dim=4, kl_weight=0.0, mmd_weight=1.0, **relu),
    ],
)
def test_one_image_has_no_distribution(make: Any) -> None:
    """Training is refused, before it begins; in an evaluation its batch counts in no mean."""
    latent, code, noise = make(), torch.randn(1, 12), torch.randn(1, 4)
    with pytest.raises(ConfigError, match=r"compares the images of a batch.*use a larger data.batch_size$"):
        latent(code, noise)
    with pytest.raises(ConfigError, match=r"compares the images of a batch: use data.batch_size=2 or more"):
        refuse_small_batch(latent, 1)
    refuse_small_batch(latent, 2)
    assert latent(code).regularization == 0
    alone = latent.eval()(code, noise)
    assert alone.regularization == 0
    assert alone.logs["mmd"].isnan()
    scores = Scores({}, (1, 6, 6), ["loss", "mmd"])
    scores.update_means({"loss": torch.tensor(1.0), "mmd": torch.tensor(0.3)}, 3)
    scores.update_means({"loss": torch.tensor(5.0), "mmd": alone.logs["mmd"]}, 1)
    assert {name: value.item() for name, value in scores.take().items()} == pytest.approx({"loss": 2.0, "mmd": 0.3})


def test_the_noise_moves_what_is_penalised_and_not_the_code_of_a_wasserstein_autoencoder() -> None:
    latent, code, noise = WassersteinLatent(SPEC, dim=4, weight=5.0, **relu), torch.randn(8, 12), torch.randn(8, 4)
    coded = latent(code, noise)
    assert torch.equal(coded.code, latent(code).code)
    torch.testing.assert_close(coded.regularization, 5 * mmd(latent.embed(code), noise))


def test_info_is_the_sum_of_both_penalties() -> None:
    latent = InfoLatent(SPEC, dim=4, kl_weight=0.5, mmd_weight=7.0, **relu)
    code, noise = torch.randn(8, 12), torch.randn(8, 4)
    mean, std = latent.mean(code), (latent.logvar(code) / 2).exp()
    kl = torch.distributions.kl_divergence(torch.distributions.Normal(mean, std), torch.distributions.Normal(0.0, 1.0))
    coded = latent(code, noise)
    torch.testing.assert_close(coded.logs["kl"], kl.sum(1).mean())
    torch.testing.assert_close(coded.logs["mmd"], mmd(mean + std * noise, noise))
    torch.testing.assert_close(coded.regularization, 0.5 * coded.logs["kl"] + 7 * coded.logs["mmd"])


ENCODERS = {
    "linear": partial(LinearEncoder, dim=7, activation="tanh"),
    "maxpool": partial(ConvEncoder, down=partial(MaxPool, factor=2, init="matched")),
    "strided": partial(ConvEncoder, down=partial(Strided, factor=2, init="matched", kernel_size=3)),
}


def contractive(encoder: str, side: int, dim: int, probes: int = 0) -> Autoencoder:
    make = ENCODERS[encoder]
    if make.func is ConvEncoder:
        make = partial(make, channels=[4], activation="tanh", blocks=0, norm="none")
    latent = partial(ContractiveLatent, dim=dim, weight=0.1, probes=probes, activation="tanh")
    return Autoencoder((1, side, side), encoder=make, latent=latent, decoder=LinearDecoder, output="sigmoid").double()


def jacobians(model: Autoencoder, x: Tensor) -> Tensor:
    """(N, dim, pixels), an image at a time."""
    bottleneck = lambda image: model.latent.bottleneck(model.encoder(image[None]).code)[0]  # noqa: E731
    return torch.stack([torch.autograd.functional.jacobian(bottleneck, image).flatten(1) for image in x])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_exact_norm_is_that_of_autograd_s_jacobian(encoder: str) -> None:
    model, x = contractive(encoder, 9, 5), torch.rand(4, 1, 9, 9, dtype=torch.float64)
    expected = jacobians(model, x).square().sum((1, 2)).mean().item()
    result = model.reconstruct(x)
    assert result.logs["jacobian"].item() == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert result.regularization.item() == pytest.approx(0.1 * expected, rel=1e-10)
    with torch.inference_mode():  # measured there, too
        assert model.eval().reconstruct(x.clone()).logs["jacobian"].item() == pytest.approx(expected, rel=1e-10)
    assert torch.equal(model(x), model.train().reconstruct(x).pixels)


def test_the_penalty_s_gradient_is_that_of_finite_differences() -> None:
    model, x = contractive("linear", 5, 3), torch.rand(2, 1, 5, 5, dtype=torch.float64)
    weights = model.encoder.linear.weight
    (slope,) = torch.autograd.grad(model.reconstruct(x).regularization, weights)
    with torch.no_grad():
        values = []
        for step in (1e-5, -2e-5):
            weights[0, 0] += step
            values.append(model.reconstruct(x).regularization.item())
    assert slope[0, 0].item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


def test_hutchinson_s_estimate_is_unbiased() -> None:
    model, x = contractive("strided", 8, 6, probes=2), torch.rand(4, 1, 8, 8, dtype=torch.float64)
    exact = jacobians(model, x).square().sum((1, 2)).mean()
    model.eval()
    noise = torch.randn(300, 4, 2, 6, dtype=torch.float64)
    draws = torch.stack([model.reconstruct(x, drawn).logs["jacobian"] for drawn in noise])
    assert abs(draws.mean() - exact) < 3 * draws.std() / math.sqrt(300)
    assert draws.std() > 0.01 * exact
    assert not model.generative
    with pytest.raises(IncompatiblePair, match="no prior to sample from: use model=vae"):
        model.sample(noise[0])
    check_latent(partial(ContractiveLatent, dim=6, weight=0.1, probes=2, activation="relu"))


@pytest.mark.parametrize(
    ("dim", "probes", "noise_shape"),
    [(1, None, None), (32, None, None), (33, None, (2, 33)), (256, None, (2, 256)), (256, 0, None), (4, 3, (3, 4))],
)
def test_the_norm_is_exact_where_the_code_is_small(dim: int, probes: int | None, noise_shape: Any) -> None:
    latent = ContractiveLatent(SPEC, dim=dim, weight=0.1, probes=probes, activation="relu")
    assert latent.noise_shape == noise_shape
    images = torch.rand(3, 12, requires_grad=True)
    noise = None if noise_shape is None else torch.randn(3, *noise_shape)
    found, exact = latent(images, noise, images).logs["jacobian"], latent.down.weight.square().sum()
    assert torch.isclose(found, exact) == (noise is None)
    assert 0.2 * exact < found < 5 * exact
