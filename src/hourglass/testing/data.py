"""Checks of where images come from, and of what is done to them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hourglass.core.types import Shape
from hourglass.data import noise
from hourglass.testing.expectations import expect, expect_attributes, made, no_global_draws, seeded


@seeded
def check_source(make: Callable[[], Any]) -> None:
    """Of a source of images: `make()`. It knows `image_shape` before it reads, and reads the same images each time.

    `load()` gives (train, val or None, test), each uint8 (N, C, H, W). A `load_test()`, where there is one, gives the
    same test images without the others.
    """
    source = make()
    expect_attributes(source, "a source", ("image_shape", "load"))
    shape = tuple(source.image_shape)
    expect(len(shape) == 3 and min(shape) > 0, f"image_shape is (C, H, W), not {shape}")
    numpy_state = str(np.random.get_state())
    with no_global_draws("a source"):
        splits = tuple(source.load())
    expect(
        numpy_state == str(np.random.get_state()),
        "a source draws from numpy's global generator: make one of the seed that it is given",
    )
    expect(len(splits) == 3, "load() gives three splits: train, val or None, test")
    again = tuple(made(make, seed=1).load())
    for name, images, same in zip(("train", "val", "test"), splits, again, strict=True):
        if images is None:
            expect(name == "val", f"the split {name} is missing: only val may be None, to be split off train")
            continue
        expect(isinstance(images, Tensor) and images.dtype == torch.uint8, f"the {name} images are a uint8 tensor")
        expect(images.ndim == 4 and len(images) > 0, f"the {name} images are (N, C, H, W), and there is at least one")
        expect(tuple(images.shape[1:]) == shape, f"the {name} images are not of image_shape, {shape}")
        expect(torch.equal(images, same), f"a source made again of the same options has other {name} images")
    if hasattr(source, "load_test"):
        expect(torch.equal(make().load_test(), splits[2]), "load_test() gives other images than load()")


@seeded
def check_corruption(make: Callable[[], Any], *, image_shape: Shape = (3, 20, 28)) -> None:
    """Of a corruption: `make()`, a pure function of images (N, C, H, W) in [0, 1] and a key for each, (N,) int64."""
    corruption = make()
    images, keys = torch.rand(8, *image_shape), noise.keys(3, torch.arange(8))
    before = images.clone()
    with no_global_draws("a corruption"):
        corrupted = corruption(images, keys)
    expect(torch.equal(images, before), "a corruption changes the clean images in place: make new ones")
    expect(corrupted.shape == images.shape, f"a corruption keeps the shape {tuple(images.shape)}")
    expect(corrupted.dtype == images.dtype, f"a corruption keeps the type {images.dtype}, and gave {corrupted.dtype}")
    expect(corrupted.isfinite().all(), "a corruption gives values that are no finite numbers")
    expect(torch.equal(make()(images, keys), corrupted), "the same images and keys are corrupted otherwise each time")
    part = corruption(images[[5, 2]], keys[[5, 2]])
    expect(torch.equal(part, corrupted[[5, 2]]), "an image is corrupted otherwise beside others, or in another order")
    same = corruption(images[:1].repeat(4, 1, 1, 1), keys[:1].repeat(4))
    expect(torch.equal(same, same[:1].expand_as(same)), "the same image with the same key is corrupted in several ways")
