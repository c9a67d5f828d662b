"""New images from a trained run: codes are drawn by one of several samplers, decoded, and held against real images."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import replacing, within
from hourglass.core.text import number, printable
from hourglass.data import noise, pictures
from hourglass.data.datamodule import ImageData
from hourglass.metrics.codes import samplers, samples
from hourglass.nn import Autoencoder
from hourglass.nn.contract import Quantised
from hourglass.runs.evaluation.codes import records
from hourglass.runs.evaluation.codes.opened import opened
from hourglass.runs.evaluation.codes.probe import some
from hourglass.runs.evaluation.codes.sample_options import Options

SHOWN, A_ROW = 64, 16
"""Samples in the picture, and in a row of it"""
LEAST = 4
"""Test images: half of them are held against the other half"""


def sample(options: Options) -> None:
    """Draw, compare, keep `codes/samples_<sampler>.png` and `.json`, and say what came of it.

    Raises ConfigError where the run has not what the sampler needs, IncompatiblePair where its decoder does,
    DataError for test images that have changed, or are fewer than 4.
    """
    run = options.folder
    autoencoder, data, identity, fingerprint = opened(run, options.trust)
    if (tested := len(data.images["test"])) < LEAST:
        raise DataError(
            f"{tested} test images are too few to hold samples against, and {LEAST} are needed: use a run on data with "
            "more of them"
        )
    sampler = chosen(autoencoder, options)
    drawn = torch.cat([images.cpu() for images in draw(autoencoder, data, sampler, options)])
    metrics, where = _compared(drawn, data, options)
    name = f"samples_{sampler}"
    held = samples.held_against(len(drawn), tested)
    told = {key: getattr(options, key) for key in ("n", "seed", "train", "dims", "components", "steps")}
    told["compared"] = held  # in the Fréchet distance
    named = {f"sample/{what}_{sampler}": value for what, value in metrics.items()}
    records.write(run, name, identity, named, told, fingerprint)
    first = where[:A_ROW].tolist()
    picture = _picture(drawn, data.pick("train", first).target)
    path = within(run / records.FOLDER / f"{name}.png", run)
    with replacing(path) as partial:
        picture.save(partial, "PNG")
    print(printable(_told(sampler, len(drawn), held, metrics, path)))


def chosen(autoencoder: Autoencoder, options: Options) -> str:
    """The sampler; raises ConfigError where the run is none for it."""
    quantised, sampler = isinstance(autoencoder.latent, Quantised), options.sampler
    if sampler == "auto":
        return "prior" if autoencoder.generative else "frequencies" if quantised else "gmm"
    own = "frequencies" if quantised else "gmm"
    if sampler == "prior" and not autoencoder.has_prior:
        raise ConfigError(f"{options.run} has no prior to sample from: use sampler={own}, or train with model=vae")
    if quantised != (sampler == "frequencies") and sampler != "prior":
        kind = "whole numbers" if quantised else "real numbers"
        raise ConfigError(f"the codes of {options.run} are {kind}: use sampler={own}")
    if not quantised and sampler != "prior" and not hasattr(autoencoder.latent, "expand"):
        name = type(autoencoder.latent).__name__
        raise ConfigError(f"{name} has no bottleneck and expand, between which codes are drawn: give it these two")
    return sampler


@torch.no_grad()
def draw(autoencoder: Autoencoder, data: ImageData, sampler: str, options: Options) -> list[Tensor]:
    """Batches of images (n, C, H, W) in [0, 1], where the output is a sigmoid."""
    latent, device = autoencoder.latent, autoencoder.output_bias.device
    if sampler == "prior":
        drawn = noise.prior(options.seed, options.n, latent.noise_shape, device)
        return [autoencoder.sample(part) for part in drawn.split(options.batch_size)]
    whole = sampler == "frequencies"
    read = latent.codes if whole else latent.bottleneck

    def decode(part: Tensor) -> Tensor:
        of_codes = autoencoder.pixels_of_code
        return of_codes(latent.decode_codes(part)) if whole else autoencoder.pixels_of_bottleneck(part)

    known = []
    for index in some(len(data.images["train"]), options.train).split(options.batch_size):
        known.append(read(autoencoder.encoder(data.pick("train", index.tolist(), device).target).code))
        decode(known[0][:1])  # a decoder that needs more says so before anything is fitted
    codes = torch.cat(known)
    if whole:
        new = samplers.frequencies(codes, options.n, options.seed)
    else:
        rows, dims = codes.flatten(1).double().cpu().numpy(), options.dims
        if sampler == "gmm":
            fitted = samplers.gmm(rows, options.n, options.seed, components=options.components, dims=dims)
        else:
            fitted = samplers.flow(rows, options.n, options.seed, steps=options.steps, dims=dims)
        new = torch.from_numpy(fitted).to(codes).view(-1, *codes.shape[1:])
    return [decode(part) for part in new.split(options.batch_size)]


def _compared(drawn: Tensor, data: ImageData, options: Options) -> tuple[dict[str, float], Tensor]:
    """(what they are like, the positions of the nearest training images)"""
    test = data.pick("test", range(min(2 * len(drawn), len(data.images["test"])))).target.flatten(1)
    train = data.pick("train", some(len(data.images["train"]), options.train).tolist()).target.flatten(1)
    rows = drawn.clamp(0, 1).flatten(1)
    chunks = (chunk.flatten(1) / 255 for chunk in data.images["train"].chunks())
    near, where = samples.nearest(torch.cat([rows, test]).double(), chunks)
    n = len(rows)
    return samples.compared(rows, near[:n], train, test, near[n:], options.dims), where[:n]


def _picture(drawn: Tensor, neighbours: Tensor) -> Image.Image:
    rows = list(drawn[:SHOWN].split(A_ROW))
    labelled = {"samples": rows[0], "nearest in training": neighbours}
    return pictures.grid(labelled | {" " * i: row for i, row in enumerate(rows[1:], 1)})


def _told(sampler: str, n: int, held: int, metrics: dict[str, float], path: Path) -> str:
    what = {key: number(value) for key, value in metrics.items()}
    baseline = " (a baseline: each position by itself)" if sampler == "frequencies" else ""
    lines = {
        "nearest training image": f"MSE {what['nearest']}; of test images {what['nearest_test']}",
        "copies": f"{what['copies']}; 0.01 of the test images are as near to a training image",
        f"Fréchet distance (PCA, {held} each)": f"{what['frechet_pca']}; of real images, as many, "
        f"{what['frechet_pca_bias']}",
        "picture": str(path),
    }
    width = max(map(len, lines))
    return "\n".join([f"{n} samples by {sampler}{baseline}", *(f"  {key:<{width}}   {lines[key]}" for key in lines)])
