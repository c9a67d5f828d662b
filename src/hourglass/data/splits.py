"""What a source of images gives: its splits, and what may come with them."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from hourglass.core.errors import ConfigError, DataError
from hourglass.core.types import Shape
from hourglass.data import noise

NOTHING: Mapping[str, object] = MappingProxyType({})


class Splits(NamedTuple):
    """uint8 images, (N, C, H, W). `val` is None where the data set has none: it is split off `train`.

    What comes with the images is given by split: `train`, `val`, `test`.
    """

    train: Tensor
    val: Tensor | None
    test: Tensor
    labels: Mapping[str, Tensor] = NOTHING  # type: ignore[assignment]
    """(N,) int64, places in `classes`; no result depends on them"""
    classes: Sequence[str] = ()
    inputs: Mapping[str, Tensor] = NOTHING  # type: ignore[assignment]
    """uint8, of the shape of the images: what a network is given in their place, where a data set has pairs"""
    names: Mapping[str, Sequence[str]] = NOTHING  # type: ignore[assignment]
    """N names, by which people know the images"""
    release: Callable[[], None] | None = None
    """Gives back the memory of files that are mapped; what is needed is read again"""
    rows: Mapping[str, Tensor] = NOTHING  # type: ignore[assignment]
    """(N,) int64, where the images of a split, and their inputs, are not all those given, in order: which"""
    factors: Mapping[str, Mapping[str, Tensor]] = NOTHING  # type: ignore[assignment]
    """Name -> (N, K) float, where images are drawn: what each was drawn by, NaN where an image does not show it"""


@runtime_checkable
class Source(Protocol):
    """Where images come from. `image_shape` (C, H, W) is known before any is read.

    One whose `load_test()` gives `Splits` with an empty `train` can be evaluated where only test images are.
    """

    image_shape: Shape

    def load(self) -> Splits: ...


def only_test(test: Tensor, **more: object) -> Splits:
    """What `load_test` returns."""
    return Splits(test[:0], None, test, **more)  # type: ignore[arg-type]


def split_off(splits: Splits, size: int | None, seed: int) -> Splits:
    """The same with `size` validation images that are taken from the training images, by `seed`; none is copied.

    Raises DataError where there are not so many, ConfigError where the data set has a validation split of its own.
    """
    if splits.val is not None:
        if size is not None:
            raise ConfigError("this data set has a validation split of its own: use data.val_size=null")
        return splits
    count = len(splits.train)
    if size is None or size >= count:
        raise DataError(f"data.val_size={size} must be less than the {count} images to train on")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(noise.seed_of("split", seed)))
    val, train = order[:size], order[size:]

    labels, names, inputs = dict(splits.labels), dict(splits.names), dict(splits.inputs)
    if "train" in labels:
        labels |= {"train": labels["train"][train], "val": labels["train"][val]}
    if "train" in names:
        names |= {"train": [names["train"][i] for i in train], "val": [names["train"][i] for i in val]}
    if "train" in inputs:
        inputs["val"] = inputs["train"]
    factors = dict(splits.factors)
    if "train" in factors:
        of_all = factors["train"]
        factors |= {
            split: {name: of_all[name][at] for name in of_all} for split, at in (("train", train), ("val", val))
        }
    return splits._replace(
        val=splits.train, rows={"train": train, "val": val}, labels=labels, names=names, inputs=inputs, factors=factors
    )


def together(*releases: Callable[[], None] | None) -> Callable[[], None] | None:
    """One for several files that are mapped."""
    some = [release for release in releases if release is not None]

    def release_all() -> None:
        for release in some:
            release()

    return release_all if some else None
