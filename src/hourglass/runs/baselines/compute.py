"""What a run is to be held against, computed on its own split."""

import math

import numpy as np
from torch import nn

from hourglass.data.corruption import Gaussian, NoCorruption
from hourglass.data.datamodule import ImageData
from hourglass.metrics import baselines, cost
from hourglass.nn import Autoencoder, LinearDecoder, NoLatent
from hourglass.nn.contract import Quantised
from hourglass.training.losses import BCE, GaussianLikelihood
from hourglass.training.module import AutoencoderModule

AFFINE_IMAGES = 10_000
"""Training images from which the affine denoiser is fitted, at most."""


def baselines_of(module: AutoencoderModule, data: ImageData, cache: str) -> dict[str, float]:
    """The baselines that apply to this network on this data, by name; `cache` is a folder of earlier ones."""
    autoencoder, corruption = module.autoencoder, data.corruption
    train, test = (data.images[name].images for name in ("train", "test"))
    strides = autoencoder.encoder.strides
    corrupted = not isinstance(corruption, NoCorruption) or data.images["test"].has_inputs
    std = corruption.std if isinstance(corruption, Gaussian) and not corruption.clip else None
    corrupted_test = data.pick("test", range(len(test))).input if corrupted else None
    val = data.pick("val", range(len(data.images["val"]))) if std is not None else None
    values = baselines.compute_baselines(
        train,
        test,
        code_size=None if isinstance(autoencoder.latent, Quantised) else autoencoder.latent.code_size,
        code_shape=autoencoder.encoder.spec.code_shape,
        factor_total=strides[-1] if strides and isinstance(autoencoder.latent, NoLatent) else None,
        corrupted_test=corrupted_test,
        val=val.target if val else None,
        corrupted_val=val.input if val else None,
        noise_std=std,
        bce=isinstance(module.loss, BCE) and not module.loss.needs_mask,
        likelihood=isinstance(module.loss, GaussianLikelihood) and module.gives_elbo and not corrupted,
        cache=cache,
    )
    if corrupted and std is None and train[0].numel() <= baselines.EXACT_LIMIT:
        seen = data.pick("train", range(min(len(train), AFFINE_IMAGES)))
        if baselines.is_bounded("affine", seen.target, train[0].numel()):
            samples = (seen.input, seen.target, corrupted_test, test)
            values["affine"] = baselines.cached(cache, baselines.affine_denoiser, *samples)
    if isinstance(autoencoder.latent, Quantised):
        values |= pca_in_as_many_bits(autoencoder, data, cache)
    return values


def pca_in_as_many_bits(autoencoder: Autoencoder, data: ImageData, cache: str) -> dict[str, float]:
    """`pca_bits`: the MSE of the curve `pca` of `rate_curves_of` at the rate of this code, between two of its points on
    a line of logarithms; {} where the curve does not reach there."""
    rate = cost.rate(autoencoder, {})["bits_per_pixel"]
    curve = [point for point in rate_curves_of(data, cache).get("pca", []) if min(point) > 0]
    if not curve or not curve[0][0] <= rate <= curve[-1][0]:
        return {}
    rates, errors = np.log(curve).T
    return {"pca_bits": float(np.exp(np.interp(math.log(rate), rates, errors)))}


def angles_to_pca(module: AutoencoderModule, data: ImageData) -> dict[str, float]:
    """How far what an affine autoencoder of clean images spans is from the principal components of the training images.

    `test/pca_angle`, the largest of the principal angles, and `test/pca_angle_mean`, in degrees. Empty for any other
    network, and where there are too many pixels for PCA.
    """
    autoencoder, train = module.autoencoder, data.images["train"].images
    decoder, size = autoencoder.decoder, autoencoder.latent.code_size
    affine = isinstance(decoder, LinearDecoder) and autoencoder.output == "identity"
    affine = affine and isinstance(getattr(autoencoder.encoder, "activation", None), nn.Identity)
    clean = isinstance(data.corruption, NoCorruption) and not data.images["train"].has_inputs
    if not affine or not clean or not isinstance(autoencoder.latent, NoLatent):
        return {}
    if size >= train[0].numel() or not baselines.is_bounded("pca", train, size):
        return {}
    angles = baselines.pca_angles(train, decoder.linear.weight)
    return {"test/pca_angle": float(angles.max()), "test/pca_angle_mean": float(angles.mean())}


def rate_curves_of(data: ImageData, cache: str) -> dict[str, list[list[float]]]:
    """[bits per pixel, MSE] of what codes the test images without a network; none where the input is not the image."""
    if not isinstance(data.corruption, NoCorruption) or data.images["test"].has_inputs:
        return {}
    train, test = (data.images[name].images for name in ("train", "test"))
    return baselines.rate_curves(train, test, cache=cache)
