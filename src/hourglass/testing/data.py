"""Checks of where images come from, and of what is done to them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hourglass.core.types import Shape
from hourglass.data import Splits, noise
from hourglass.testing.expectations import expect, expect_attributes, made, no_global_draws, seeded


@seeded
def check_source(make: Callable[[], Any]) -> None:
    """Of a source of images: `make()`. It knows `image_shape` before it reads, and reads the same images each time.

    `load()` gives (train, val or None, test), each uint8 (N, C, H, W), or `hourglass.data.Splits` with what comes
    beside them. A `load_test()`, where there is one, gives `Splits` with the same test images.
    """
    source = make()
    expect_attributes(source, "a source", ("image_shape", "load"))
    shape = tuple(source.image_shape)
    expect(len(shape) == 3 and min(shape) > 0, f"image_shape is (C, H, W), not {shape}")
    numpy_state = str(np.random.get_state())
    with no_global_draws("a source"):
        loaded = source.load()
    expect(
        numpy_state == str(np.random.get_state()),
        "a source draws from numpy's global generator: make one of the seed that it is given",
    )
    expect(len(loaded) >= 3, "load() gives three splits: train, val or None, test")
    splits, again = Splits(*loaded), Splits(*made(make, seed=1).load())
    for name in ("train", "val", "test"):
        images, same = getattr(splits, name), getattr(again, name)
        if images is None:
            expect(name == "val", f"the split {name} is missing: only val may be None, to be split off train")
            continue
        expect(isinstance(images, Tensor) and images.dtype == torch.uint8, f"the {name} images are a uint8 tensor")
        expect(images.ndim == 4 and len(images) > 0, f"the {name} images are (N, C, H, W), and there is at least one")
        expect(tuple(images.shape[1:]) == shape, f"the {name} images are not of image_shape, {shape}")
        expect(torch.equal(images, same), f"a source made again of the same options has other {name} images")
        for what, beside in (("labels", splits.labels), ("inputs", splits.inputs), ("names", splits.names)):
            expect(len(beside.get(name, images)) == len(images), f"there is one of the {what} for each {name} image")
        labels = splits.labels.get(name)
        expect(labels is None or int(labels.max()) < len(splits.classes), "a label is a place in `classes`")
    if hasattr(source, "load_test"):
        expect(torch.equal(make().load_test().test, splits.test), "load_test() gives other images than load()")


@seeded
def check_corruption(make: Callable[[], Any], *, image_shape: Shape = (3, 20, 28)) -> None:
    """Of a corruption: `make()`, a pure function of images (N, C, H, W) in [0, 1] and a key for each, (N,) int64."""
    _check_purity(make, image_shape, "a corruption")


@seeded
def check_augmentation(make: Callable[[], Any], *, image_shape: Shape = (3, 24, 24)) -> None:
    """Of an augmentation: `make()`, a pure function like a corruption, whose images stay in [0, 1]."""
    augmented = _check_purity(make, image_shape, "an augmentation")
    expect(augmented.min() >= 0 and augmented.max() <= 1, "an augmentation keeps images in [0, 1]")


def _check_purity(make: Callable[[], Any], image_shape: Shape, what: str) -> Tensor:
    """What becomes of some images."""
    change = make()
    images, keys = torch.rand(8, *image_shape), noise.keys(3, torch.arange(8))
    before = images.clone()
    with no_global_draws(what):
        changed: Tensor = change(images, keys)
    expect(torch.equal(images, before), f"{what} changes the images it is given in place: make new ones")
    expect(changed.shape == images.shape, f"{what} keeps the shape {tuple(images.shape)}")
    expect(changed.dtype == images.dtype, f"{what} keeps the type {images.dtype}, and gave {changed.dtype}")
    expect(changed.isfinite().all(), f"{what} gives values that are no finite numbers")
    expect(torch.equal(make()(images, keys), changed), f"{what} makes others of the same images and keys each time")
    part = change(images[[5, 2]], keys[[5, 2]])
    expect(torch.equal(part, changed[[5, 2]]), f"{what} makes another of an image beside others, or in another order")
    same = change(images[:1].repeat(4, 1, 1, 1), keys[:1].repeat(4))
    expect(torch.equal(same, same[:1].expand_as(same)), f"{what} makes several of the same image with the same key")
    return changed
