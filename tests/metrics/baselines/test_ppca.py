"""Probabilistic PCA against torch.distributions, and as the best ELBO of a linear variational autoencoder."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from helpers.images import gaussian_images, smooth_images
from hourglass.metrics import baselines
from hourglass.nn import Autoencoder, GaussianLatent, LinearDecoder, LinearEncoder
from hourglass.training import GaussianLikelihood

DIM = 3
POINTS = math.sqrt(DIM) * torch.cat([torch.eye(DIM), -torch.eye(DIM)]).double()
"""With these as noise, all weighted alike, the mean of a quadratic function is that over N(0, I), exactly."""


def eigen(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, eigenvalues from the largest on, eigenvectors of the covariance."""
    variances, vectors = torch.linalg.eigh((rows - rows.mean(0)).T @ (rows - rows.mean(0)) / len(rows))
    return rows.mean(0), variances.flip(0), vectors.flip(1)


def test_ppca_is_the_density_of_its_normal_distribution() -> None:
    train, test = smooth_images(80, (1, 4, 5)), smooth_images(40, (1, 4, 5), seed=1)
    mean, variances, vectors = eigen(train.flatten(1).double() / 255)
    kept, noise = variances[:DIM], variances[DIM:].mean()
    covariance = (vectors[:, :DIM] * (kept - noise)) @ vectors[:, :DIM].T + noise * torch.eye(20)
    normal = torch.distributions.MultivariateNormal(mean, covariance)
    for images in (train, test):
        expected = -normal.log_prob(images.flatten(1).double() / 255).mean().item()
        assert baselines.ppca(train, images, DIM) == pytest.approx(expected, rel=1e-9)
    assert baselines.ppca(train, test, 20) == baselines.ppca(train[:4], test, 3) == -math.inf  # nothing is left for σ²


def network() -> tuple[Autoencoder, GaussianLikelihood]:
    torch.manual_seed(0)
    latent = partial(GaussianLatent, dim=DIM, activation="none", beta=1.0, warmup_steps=0, free_bits=0.0)
    encoder = partial(LinearEncoder, dim=DIM, activation="none")
    model = Autoencoder((1, 5, 6), encoder=encoder, latent=latent, decoder=LinearDecoder, output="identity")
    return model.double().eval(), GaussianLikelihood(0.1).double()


def elbo(model: Autoencoder, loss: GaussianLikelihood, images: Tensor) -> Tensor:
    """Exact: a linear decoder makes the likelihood quadratic in the noise."""
    many = images.repeat(len(POINTS), 1, 1, 1)
    result = model.reconstruct(many, POINTS.repeat_interleave(len(images), 0))
    return -(loss(result, many).loss.mean() + result.regularization)


def test_the_best_elbo_of_a_linear_network_is_that_likelihood() -> None:
    images = gaussian_images(200, 0)[0].double()
    (model, loss), (mean, variances, vectors) = network(), eigen(images.flatten(1))
    kept, noise = variances[:DIM], variances[DIM:].mean()
    with torch.no_grad():
        model.encoder.linear.weight.copy_(vectors[:, :DIM].T)
        model.encoder.linear.bias.copy_(-vectors[:, :DIM].T @ mean)
        model.latent.mean.weight.copy_(((kept - noise).sqrt() / kept).diag())
        model.latent.logvar.weight.zero_()
        model.latent.logvar.bias.copy_((noise / kept).log())
        model.latent.up[0].weight.copy_((kept - noise).sqrt().diag())
        model.decoder.linear.weight.copy_(vectors[:, :DIM])
        model.decoder.linear.bias.copy_(mean)
        for bias in (model.latent.mean.bias, model.latent.up[0].bias):
            bias.zero_()
        loss.log_variance.copy_(noise.log())
    best = elbo(model, loss, images)
    assert best.item() == pytest.approx(-baselines.ppca(images, images, DIM), abs=1e-9)
    other = gaussian_images(50, 1)[0].double()  # its posterior is that of the model, so images of any kind do
    assert elbo(model, loss, other).item() == pytest.approx(-baselines.ppca(images, other, DIM), abs=1e-9)
    parameters = [*model.parameters(), *loss.parameters()]
    for slope in torch.autograd.grad(best, parameters):
        assert slope.abs().max() < 1e-9
    with torch.no_grad():
        for parameter in parameters:
            parameter += 1e-2 * torch.randn_like(parameter)
            assert elbo(model, loss, images) < best


@pytest.mark.slow
def test_training_comes_within_a_tenth_of_a_nat_of_it() -> None:
    """It begins without the KL: else a number that says little at first is given up, and comes back slowly."""
    images = gaussian_images(60, 0)[0].double()
    model, loss = network()
    nn.init.constant_(model.latent.logvar.bias, -5.0)
    optimizer = torch.optim.Adam([*model.parameters(), *loss.parameters()], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1100)
    for step in range(1100):
        model.latent.beta = 1.0 if step >= 150 else 0.0
        optimizer.zero_grad()
        (-elbo(model, loss, images)).backward()
        optimizer.step()
        schedule.step()
    reached, exact = elbo(model, loss, images).item(), -baselines.ppca(images, images, DIM)
    assert exact - 0.1 < reached < exact + 1e-9
