"""What the codes of a run are worth: labels and factors read off them, off the pixels, and off principal components."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hourglass.core.errors import ConfigError, DataError
from hourglass.core.text import number
from hourglass.data import noise
from hourglass.data.batches import Batch, Split
from hourglass.data.datamodule import ImageData
from hourglass.metrics.codes.probes import Known, chance, in_one_unit, principal, read_off, readable
from hourglass.nn import Autoencoder
from hourglass.runs.evaluation.codes import records
from hourglass.runs.evaluation.codes.opened import opened
from hourglass.runs.evaluation.codes.probe_options import Options

FEATURES = {"": "code", "_pixels": "pixels", "_pca": "PCA"}
"""What is appended to the names -> what they were read off."""
LEAST = 10
"""Test images: each of fewer would count for more than a tenth of an accuracy."""


def probe(run: Path, options: Options) -> dict[str, float]:
    """Measure, and keep it in `codes/probe.json`; raises as `probed`, and DataError for images that have changed."""
    autoencoder, data, identity, fingerprint = opened(run, options.trust)
    metrics = probed(autoencoder, data, options)
    told = {key: getattr(options, key) for key in ("train", "test", "neighbours")}
    records.write(run, "probe", identity, metrics, told, fingerprint)
    return metrics


def refuse_unfit(data: ImageData, options: Options) -> None:
    """Raise ConfigError for images of which nothing is known that could be read off a code, DataError for fewer than
    the probe takes."""
    train, test = data.images["train"], data.images["test"]
    labelled = train.labels is not None and test.labels is not None
    if not test.factors and not labelled:
        raise ConfigError(
            "a probe needs labels or known factors, and these images have neither: use data with labels, such as "
            "data=mnist5k or data=folder with a folder for each class, or leave the probe out"
        )
    if (tested := min(len(test), options.test)) < LEAST:
        raise DataError(
            f"{tested} test images are too few to judge a probe by, and {LEAST} are needed: use a larger test=, or "
            "data with more of them"
        )
    if labelled and options.neighbours > (trained := min(len(train), options.train)):
        raise DataError(
            f"neighbours={options.neighbours} are more than the {trained} training images of the probe: use "
            f"neighbours={trained} or fewer, or a larger train= where there are more images"
        )


def probed(autoencoder: Autoencoder, data: ImageData, options: Options, *, corrupted: bool = False) -> dict[str, float]:
    """`probe/knn`, `probe/logistic`, `probe/r2_FACTOR` as `metrics.codes.probes.read_off` finds them in the codes; with
    `_pixels` in the pixels, with `_pca` in as many principal components of theirs as a code has numbers.

    `corrupted`: codes of the images as evaluation corrupts them, in train and test. Raises ConfigError for data without
    labels and factors, DataError for too few images.
    """
    refuse_unfit(data, options)
    splits: tuple[Split, Split] = ("train", "test")
    chosen = [some(len(data.images[split]), getattr(options, split)) for split in splits]
    known = readable(*(_known(data, split, index) for split, index in zip(splits, chosen, strict=True)))
    pixels, codes = [], []
    for split, index in zip(splits, chosen, strict=True):
        batches = list(_batches(data, split, index, options.batch_size, autoencoder.output_bias.device))
        inputs = [batch.input if corrupted else batch.target for batch in batches]
        pixels.append(np.concatenate([_array(images.flatten(1)) for images in inputs]))
        codes.append(np.concatenate([embedded(autoencoder, images, corrupted=corrupted) for images in inputs]))
    metrics = chance(*known) | read_off(codes[0], codes[1], *known, options.neighbours, standardise=True)
    for suffix, dim in (("_pixels", None), ("_pca", codes[0].shape[1])):
        found = _of_pixels(pixels, known, dim, options.neighbours)
        metrics |= {f"{name}{suffix}": value for name, value in found.items()}
    return {f"probe/{name}": value for name, value in metrics.items()}


_known_of_pixels: dict[str, dict[str, float]] = {}
"""What was read off pixels, by a digest of all that it follows from: many runs of a sweep have the same images."""


def _of_pixels(
    pixels: list[np.ndarray], known: tuple[Known, Known], dim: int | None, neighbours: int
) -> dict[str, float]:
    """What is read off the pixels of train and test, or off `dim` principal components of them."""
    digest = hashlib.sha256(repr((dim, neighbours)).encode())
    for values in (*pixels, *(some for one in known for some in (one.labels, *one.factors.values()))):
        digest.update(b"" if values is None else values.tobytes())
    key = digest.hexdigest()
    if key not in _known_of_pixels:
        features = in_one_unit(pixels[0], pixels[1])
        features = features if dim is None else principal(*features, dim)
        _known_of_pixels[key] = read_off(*features, *known, neighbours, standardise=False)
    return _known_of_pixels[key]


def some(count: int, most: int) -> Tensor:
    """Positions of at most `most` of `count` images, in order; drawn by a fixed seed, since a split may be sorted."""
    generator = torch.Generator().manual_seed(noise.seed_of("probe"))
    return torch.randperm(count, generator=generator)[:most].sort().values


@torch.no_grad()
def embedded(autoencoder: Autoencoder, images: Tensor, *, corrupted: bool = False) -> np.ndarray:
    """(N, D) float32"""
    return _array(autoencoder.embed(images, corrupted=corrupted))


def table(metrics: dict[str, float]) -> str:
    """A line for each reader, a column for each kind of features."""
    readers = [name for name in metrics if not name.endswith(tuple(FEATURES)[1:]) and name != "probe/chance"]
    width = max(len(name) for name in readers)
    lines = [f"{'':<{width}}" + "".join(f"{title:>11}" for title in FEATURES.values())]
    for name in readers:
        lines.append(f"{name:<{width}}" + "".join(f"{number(metrics[name + suffix]):>11}" for suffix in FEATURES))
    if "probe/chance" in metrics:
        lines.append(f"the most frequent label: {number(metrics['probe/chance'])}")
    return "\n".join(lines)


def _batches(data: ImageData, split: Split, index: Tensor, size: int, device: torch.device) -> Iterator[Batch]:
    for part in index.split(size):
        yield data.pick(split, part.tolist(), device)


def _known(data: ImageData, split: Split, index: Tensor) -> Known:
    there = data.images[split]
    labels = None if there.labels is None else there.labels[index].numpy()
    return Known(labels, {name: values[index].numpy() for name, values in there.factors.items()})


def _array(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.float().cpu().numpy()
    return array
