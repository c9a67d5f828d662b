"""Checks of what stands between the operators and the image: encoders, decoders, latents."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Shape
from hourglass.nn.contract import NUMBER_BITS, Coded, CodeSpec, Encoded
from hourglass.testing.expectations import (
    expect,
    expect_attributes,
    expect_close,
    expect_gradients,
    expect_reproducible,
    index_for,
    made,
    no_global_draws,
    parameters_of,
    seeded,
)

SHAPES: tuple[Shape, ...] = ((1, 28, 28), (3, 33, 45), (1, 25, 25))
SPATIAL = CodeSpec(((3, 33, 45), (4, 17, 23), (8, 9, 12)), None)
FLAT = CodeSpec(((1, 28, 28), (32,)), None)


@seeded
def check_encoder(make: Callable[[Shape], Any], *, image_shapes: Sequence[Shape] = SHAPES) -> None:
    """Of an encoder: `make(image_shape)`. What it gives has the shapes that its `spec` promises before any data."""
    for shape in image_shapes:
        encoder = made(make, shape).double()
        expect_attributes(encoder, "an encoder", ("spec", "strides", "index_bits"))
        spec: CodeSpec = encoder.spec
        expect(isinstance(spec, CodeSpec), "the `spec` of an encoder is a hourglass.nn.CodeSpec")
        expect(spec.image_shape == shape, f"spec.shapes begins with the image, {shape}, not {spec.image_shape}")
        images = torch.rand(3, *shape, dtype=torch.float64)
        with torch.no_grad(), no_global_draws("an encoder"):
            encoded = encoder.eval()(images)
            alone = encoder(images[:1])
        expect(isinstance(encoded, Encoded), "an encoder returns hourglass.nn.Encoded(code, indices)")
        expect(encoded.code.shape[1:] == spec.code_shape, f"the code {tuple(encoded.code.shape[1:])} is not as in spec")
        stages = len(spec.shapes) - 1
        expect(len(encoded.indices) == stages, f"there is an index, or None, for each of {stages} stages")
        kept = {index is not None for index in encoded.indices}
        expect(kept == {spec.index is not None}, f"spec.index={spec.index}, and the indices do not agree with it")
        expect_close(encoded.code[:1], alone.code, 1e-12, "an encoder gives another code for an image beside others")
        images.requires_grad_()
        code = encoder.train()(images).code
        learned = {"its images": images, **parameters_of(encoder)}
        expect_gradients((code * torch.randn_like(code)).sum(), learned, "an encoder")
    expect_reproducible(lambda: make(image_shapes[0]), "an encoder")


@seeded
def check_decoder(make: Callable[[CodeSpec], Any], *, specs: Sequence[CodeSpec] = (SPATIAL,)) -> None:
    """Of a decoder: `make(spec)`. It gives images of the shape that the `spec` begins with.

    For one that needs an index, give `specs` with that index and with whole factors between their shapes.
    """
    for spec in specs:
        decoder = made(make, spec).double()
        expect_attributes(decoder, "a decoder", ("needs_index",))
        code = torch.rand(3, *spec.code_shape, dtype=torch.float64)
        indices = tuple(
            index_for(decoder.needs_index, 3, inner[0], image[1:], math.ceil(image[1] / inner[1]))  # type: ignore[arg-type]
            if decoder.needs_index
            else None
            for image, inner in zip(spec.shapes, spec.shapes[1:], strict=False)
        )

        def call(code: Tensor, of: Any = decoder, beside: tuple[Tensor | None, ...] = indices) -> Tensor:
            part = tuple(None if index is None else index[: len(code)] for index in beside)
            images: Tensor = of(Encoded(code, part))
            return images

        with torch.no_grad(), no_global_draws("a decoder"):
            decoder.eval()
            images, alone = call(code), call(code[:1])
        expected = (3, *spec.image_shape)
        expect(images.shape == expected, f"a decoder returns images of {expected}, not {tuple(images.shape)}")
        expect_close(images[:1], alone, 1e-12, "a decoder gives another image for a code beside others")
        decoder.train()
        code.requires_grad_()
        out = call(code)
        expect_gradients((out * torch.randn_like(out)).sum(), {"its code": code, **parameters_of(decoder)}, "a decoder")
    expect_reproducible(lambda: make(specs[0]), "a decoder")


@seeded
def check_latent(make: Callable[[CodeSpec], Any], *, specs: Sequence[CodeSpec] = (SPATIAL, FLAT)) -> None:
    """Of a latent: `make(spec)`. It keeps the shape of the code, logs the same scalars in every call, takes its noise
    as an argument, and samples where it has a `noise_shape`."""
    for spec in specs:
        latent = made(make, spec).double()
        expect_attributes(latent, "a latent", ("noise_shape", "code_size", "embed", "sample"))
        code, shape = torch.rand(4, *spec.code_shape, dtype=torch.float64), latent.noise_shape
        drawn = None if shape is None else torch.randn(4, *shape, dtype=torch.float64)
        latent.eval()
        with torch.no_grad(), no_global_draws("a latent"):
            without, again, sampled = latent(code, None), latent(code, None), latent(code, drawn)
            alone, embedded = latent(code[:1], None), latent.embed(code)
        expect(isinstance(without, Coded), "a latent returns hourglass.nn.Coded(code, regularization, logs)")
        expect(torch.equal(without.code, again.code), "a latent gives another code when it is called again")
        for coded in (without, sampled, latent.train()(code, drawn)):
            expect(coded.code.shape == code.shape, f"a latent keeps the shape of the code, {tuple(code.shape)}")
            expect(coded.regularization.shape == (), "the regularization is a scalar, the mean over the images")
            expect(coded.logs.keys() == without.logs.keys(), "a latent logs the same names in every call")
            scalars = all(isinstance(one, Tensor) and one.shape == () for one in coded.logs.values())
            expect(scalars, "what a latent logs are scalar tensors, means over the images")
        bits = getattr(latent, "code_bits", NUMBER_BITS * latent.code_size)
        fixed = bits is not None and 0 <= bits < math.inf
        measured = bits is None and "kl" in without.logs
        expect(fixed or measured, "code_bits is the bits of an image's code; or None, where the logs have its `kl`")
        size = (4, latent.code_size)
        expect(embedded.shape == size, f"embed gives (N, code_size) = {size}, not {tuple(embedded.shape)}")
        expect_close(without.code[:1], alone.code, 1e-12, "a latent gives another code for an image beside others")
        _expect_samples(latent, code, drawn)
        if hasattr(latent, "project"):
            with torch.no_grad():
                narrow = latent.bottleneck(code)
                kept = latent.project(narrow + torch.randn_like(narrow)).shape == narrow.shape
            expect(kept, "project gives bottlenecks of the shape of the vectors")
        code.requires_grad_()
        coded = latent(code, drawn)
        total = (coded.code * torch.randn_like(coded.code)).sum() + coded.regularization
        expect_gradients(total, {"its code": code, **parameters_of(latent)}, "a latent")
    expect_reproducible(lambda: make(specs[0]), "a latent")


def _expect_samples(latent: Any, code: Tensor, drawn: Tensor | None) -> None:
    if drawn is not None and getattr(latent, "has_prior", True):
        with torch.no_grad():
            sample = latent.sample(drawn)
        expect(sample.shape == code.shape, f"sample gives codes of {tuple(code.shape)}, not {tuple(sample.shape)}")
        return
    try:
        latent.sample(torch.zeros(len(code), latent.code_size))
    except IncompatiblePair:
        return
    raise AssertionError(
        "a latent without noise_shape, or with has_prior = False, has no prior: let sample raise hourglass's "
        "IncompatiblePair"
    )
