"""How tight a variational autoencoder's bound is: the importance-weighted one, of many samples, beside the ELBO."""

import itertools
import math

import torch
from lightning.pytorch import Trainer

from hourglass.data import noise
from hourglass.data.datamodule import ImageData
from hourglass.nn.contract import Variational
from hourglass.nn.latents.gaussian import drawn
from hourglass.training.losses import judged
from hourglass.training.module import AutoencoderModule


def why_no_bound(module: AutoencoderModule) -> str | None:
    """What keeps `iwae` from estimating a likelihood, with the cure; None where nothing does."""
    if not (isinstance(module.autoencoder.latent, Variational) and module.loss.nats):
        return "iwae= needs a variational code and a loss in nats, as model=vae has them: leave it out"
    if module.autoencoder.index_bits:
        return (
            "iwae= needs a decoder that knows the image by its code alone, and "
            f"{module.autoencoder.decoder.needs_index} positions of the image reach this one beside it: leave it out, "
            "or train with another decoder, such as decoder=resize"
        )
    if not module.gives_likelihood:
        where = getattr(module.loss, "where", "…")
        return f"iwae= needs the loss of whole images, not loss.where={where}: leave it out, or train with where=all"
    return None


@torch.no_grad()
def importance_weighted(module: AutoencoderModule, data: ImageData, trainer: Trainer, samples: int) -> float:
    """log (1/K) Σ_k p(x|z_k) p(z_k) / q(z_k|x), nats, its mean over the test images; z_k of the posterior q, K samples.

    For K = 1 it is the ELBO, in expectation, and for K → ∞ log p(x). Its noise is a function of (seed, image, k). The
    samples follow one another, so memory is that of one batch. Source: Burda, Grosse & Salakhutdinov 2016.
    """
    module = module.to(trainer.strategy.root_device).eval()
    model, total, count = module.autoencoder, 0.0, 0
    loader = data.test_dataloader()
    for raw in itertools.islice(loader, int(min(len(loader), trainer.num_test_batches[0]))):
        batch = data.prepare(raw.to(module.device), "test")
        encoded = model.encoder(batch.input)
        mean, logvar = model.latent.posterior(encoded.code)
        log_sum = torch.full((len(batch),), -math.inf, dtype=torch.float64, device=module.device)
        for k in range(samples):
            noised = noise.normal(noise.keys(noise.seed_of("iwae", k), batch.key), model.latent.noise_shape, "latent")
            z = drawn(mean, logvar, noised)
            log_ratio = (noised.square() + logvar - z.square()).flatten(1).sum(1) / 2  # of prior to posterior
            likelihood = judged(module.loss, model.reconstruct_encoded(encoded, noised), batch.target).loss
            log_sum = log_sum.logaddexp((log_ratio - likelihood).double())
        total += float((log_sum - math.log(samples)).sum())
        count += len(batch)
    return total / count
