"""The autoencoder: encoder, latent and decoder, and the map from the decoder's output to pixels."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Shape
from hourglass.nn.contract import Encoded

Output = Literal["sigmoid", "identity"]


class Reconstruction(NamedTuple):
    """All that a training step wants to know about one batch."""

    pixels: Tensor
    """(N, C, H, W); in [0, 1] where the output is a sigmoid"""
    logits: Tensor | None
    """(N, C, H, W), before the sigmoid; None where the output is the identity"""
    penalty: Tensor
    """See `spec.Coded`."""
    kl: Tensor
    """See `spec.Coded`."""


class Autoencoder(nn.Module):
    """images (N, C, H, W) in [0, 1] -> reconstructions of the same shape.

    `encoder`, `latent` and `decoder` come as callables of `image_shape`, `CodeSpec` and `CodeSpec`, since shapes are
    known only at run time. Raises IncompatiblePair, before any data is read, where they cannot work together.
    """

    encoder: Any
    latent: Any
    decoder: Any
    offset: Tensor
    """(C, 1, 1), added to what the decoder returns, before the sigmoid: see `centre`"""

    def __init__(
        self,
        image_shape: Shape,
        *,
        encoder: Callable[..., nn.Module],
        latent: Callable[..., nn.Module],
        decoder: Callable[..., nn.Module],
        output: Output,
    ) -> None:
        super().__init__()
        self.encoder = encoder(image_shape)
        self.latent = latent(self.encoder.spec)
        self.decoder = decoder(self.encoder.spec)
        self.output = output
        self.register_buffer("offset", torch.zeros(image_shape[0], 1, 1))
        with torch.no_grad():
            shape = tuple(self.eval()(torch.zeros(1, *image_shape)).shape[1:])
        self.train()
        if shape != tuple(image_shape):  # else it would broadcast against the target and train on nonsense
            raise IncompatiblePair(f"the decoder returns {shape} for images of {image_shape}: check its sizes")

    def centre(self, mean: Tensor) -> None:
        """Begin at the grey that is right on average: `mean` (C,) of the training pixels, in [0, 1].

        A sigmoid begins at 0.5 otherwise, and on dark images a decoder first learns to darken everything. Where it
        copies values (resize, bilinear, subpixel) all weights do that in step: they went too far for any gradient in a
        fifth of the runs on digits, which ended in a black image. With the right grey none did.
        """
        if self.output == "sigmoid":
            mean = mean.clamp(0.01, 0.99).logit()
        self.offset.copy_(mean.view(-1, 1, 1))

    @property
    def image_shape(self) -> Shape:
        return self.encoder.spec.image_shape

    @property
    def generative(self) -> bool:
        """Can `sample` draw images from a prior?"""
        return self.latent.noise_shape is not None and self.decoder.needs_index is None

    @property
    def index_bits(self) -> float:
        """Bits per image that reach the decoder beside the code."""
        return self.encoder.index_bits if self.decoder.needs_index else 0.0

    def forward(self, images: Tensor) -> Tensor:
        return self.reconstruct(images).pixels

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Reconstruction:
        """As `forward`, with penalties; `noise` (N, *latent.noise_shape) samples the posterior instead of its mean."""
        encoded = self.encoder(images)
        coded = self.latent(encoded.code, noise)
        pixels, logits = self._pixels(encoded._replace(code=coded.code))
        return Reconstruction(pixels, logits, coded.penalty, coded.kl)

    def embed(self, images: Tensor) -> Tensor:
        """The code as a table, (N, D)."""
        return self.latent.embed(self.encoder(images).code)

    def sample(self, noise: Tensor) -> Tensor:
        """Images from the prior; `noise` (N, *latent.noise_shape) is standard normal."""
        code = self.latent.sample(noise)
        if not self.generative:
            raise IncompatiblePair(
                f"a prior has no {self.decoder.needs_index} indices to sample with: use a decoder without, "
                "such as decoder=resize"
            )
        return self._pixels(Encoded(code, (None,) * (len(self.encoder.spec.shapes) - 1)))[0]

    def _pixels(self, encoded: Encoded) -> tuple[Tensor, Tensor | None]:
        raw = self.decoder(encoded) + self.offset
        return (raw.sigmoid(), raw) if self.output == "sigmoid" else (raw, None)
