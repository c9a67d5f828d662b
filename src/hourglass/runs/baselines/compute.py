"""What a run is to be held against, computed on its own split."""

from hourglass.data.corruption import Gaussian, NoCorruption
from hourglass.data.datamodule import ImageData
from hourglass.metrics import baselines
from hourglass.nn import NoLatent
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
        code_size=autoencoder.latent.code_size,
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
    return values
