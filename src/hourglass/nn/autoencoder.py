"""The autoencoder: encoder, latent and decoder, and the map from the decoder's output to pixels."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Shape, Size2d
from hourglass.nn.checks import check_encoded, check_images, check_noise
from hourglass.nn.contract import NO_LOGS, Coded, Encoded, Logs
from hourglass.nn.layers import evaluating

Output = Literal["sigmoid", "identity"]


class Reconstruction(NamedTuple):
    """All that a training step needs of one batch."""

    pixels: Tensor
    """(N, C, H, W); in [0, 1] where the output is a sigmoid"""
    logits: Tensor | None
    """(N, C, H, W), before the sigmoid; None where the output is the identity"""
    regularization: Tensor
    """See `contract.Coded`."""
    logs: Logs = NO_LOGS
    """See `contract.Coded`."""
    mask: Tensor | None = None
    """(N, 1 or C, H, W) bool, which pixels the corruption removed, for a loss that `needs_mask`; None: it names none"""
    codes: Tensor | None = None
    """See `contract.Coded`."""


class Autoencoder(nn.Module):
    """Images (N, C, H, W) in [0, 1] -> reconstructions of the same shape.

    `encoder`, `latent` and `decoder` are callables of `image_shape`, `CodeSpec` and `CodeSpec`, since shapes are known
    only at run time. Raises IncompatiblePair, before any data is read, where the three cannot work together.
    """

    encoder: Any
    latent: Any
    decoder: Any
    output_bias: Tensor
    """(C, 1, 1), added to the decoder's output, before the sigmoid: see `init_output_bias`"""

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
        if self.decoder.needs_index is None:
            for part in self.encoder.modules():
                if hasattr(part, "keeps_index"):
                    part.keeps_index = False
        self.output = output
        self.register_buffer("output_bias", torch.zeros(image_shape[0], 1, 1))
        with torch.no_grad():
            shape = tuple(self.eval()(torch.zeros(1, *image_shape)).shape[1:])
        self.train()
        if shape != tuple(image_shape):  # it would broadcast against the target, and train on nonsense
            raise IncompatiblePair(f"the decoder returns {shape} for images of {image_shape}: check its sizes")

    def init_output_bias(self, mean: Tensor) -> None:
        """Start from the mean image intensity: `mean` (C,) of the training pixels, in [0, 1].

        Otherwise a sigmoid starts at 0.5, and on dark images every decoder first learns to darken the whole image. One
        that copies values (resize, bilinear, subpixel) moves all its weights together to do so: in a fifth of the runs
        on digits they overshot until no gradient was left, and the images stayed black. Starting from the mean, none
        did.
        """
        if self.output == "sigmoid":
            mean = mean.clamp(0.01, 0.99).logit()
        self.output_bias.copy_(mean.view(-1, 1, 1))

    @torch.no_grad()
    def match_power(self, images: Tensor) -> None:
        """`init=measured`: as `ConvDecoder.match_power`, with the code of these images (N, C, H, W)."""
        with evaluating(self):
            encoded = self.encoder(images)
            self.decoder.match_power(encoded._replace(code=self.latent(encoded.code).code))

    @property
    def image_shape(self) -> Shape:
        return self.encoder.spec.image_shape

    @property
    def generative(self) -> bool:
        """Can `sample` draw images from a prior?"""
        return self.has_prior and self.decoder.needs_index is None

    @property
    def has_prior(self) -> bool:
        """Can `latent.sample` draw codes?"""
        prior: bool = getattr(self.latent, "has_prior", self.latent.noise_shape is not None)
        return prior

    @property
    def index_bits(self) -> float:
        """Bits per image that reach the decoder beside the code."""
        return self.encoder.index_bits * self.decoder.index_share if self.decoder.needs_index else 0.0

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions. The images are not checked: in training corrupted ones leave [0, 1], and time counts."""
        encoded = self.encoder(images)
        return self.pixels(encoded._replace(code=self.latent(encoded.code).code))

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Reconstruction:
        """`forward` with its by-products; `noise` (N, *latent.noise_shape) samples the posterior, None: its mean."""
        return self._reconstruction(*self._coded(images, noise))

    def reconstruct_encoded(self, encoded: Encoded, noise: Tensor | None = None) -> Reconstruction:
        """`reconstruct` behind the encoder: many samples of one posterior encode the images once."""
        return self._reconstruction(encoded, self.latent(encoded.code, noise))

    def _reconstruction(self, encoded: Encoded, coded: Coded) -> Reconstruction:
        pixels, logits = self._output(self.decoder(encoded._replace(code=coded.code)))
        return Reconstruction(pixels, logits, coded.regularization, coded.logs, codes=coded.codes)

    def _coded(self, images: Tensor, noise: Tensor | None) -> tuple[Encoded, Coded]:
        if not getattr(self.latent, "needs_images", False):
            encoded: Encoded = self.encoder(images)
            return encoded, self.latent(encoded.code, noise)
        with torch.inference_mode(False), torch.enable_grad():  # it is measured where nothing is trained, too
            images, noise = images.clone().requires_grad_(), None if noise is None else noise.clone()
            encoded = self.encoder(images)
            return encoded, self.latent(encoded.code, noise, images)

    def encode(self, images: Tensor, *, corrupted: bool = False) -> Encoded:
        """(N, C, H, W) in [0, 1] -> what the decoder gets of them: `decode` of it is `forward`, bit for bit.

        The code has passed through the latent, a variational one at its mean. `corrupted`: images of a denoiser may
        leave [0, 1]. Raises DataError for images of another shape, range, dtype or device, and for NaN.
        """
        check_images(images, self.image_shape, self.output_bias, corrupted=corrupted)
        encoded: Encoded = self.encoder(images)
        return encoded._replace(code=self.latent(encoded.code).code)

    def decode(self, encoded: Encoded) -> Tensor:
        """What `encode` returned -> (N, C, H, W); in [0, 1] where the output is a sigmoid.

        Indices that the decoder does not need may be None. Raises DataError for a code or indices of other shapes.
        """
        factor = getattr(self.encoder, "factor", 1)
        check_encoded(encoded, self.encoder.spec, self.decoder.needs_index, self.output_bias, factor)
        return self.pixels(encoded)

    def embed(self, images: Tensor, *, corrupted: bool = False) -> Tensor:
        """The code as a table, (N, D): the bottleneck itself, of a variational one its mean. Images as of `encode`."""
        check_images(images, self.image_shape, self.output_bias, corrupted=corrupted)
        return self.latent.embed(self.encoder(images).code)

    def sample(self, noise: Tensor) -> Tensor:
        """Images (N, C, H, W) from the prior; `noise` (N, *latent.noise_shape) is standard normal.

        Raises IncompatiblePair where no prior makes all that the decoder needs; DataError for noise of another shape.
        """
        if self.latent.noise_shape is not None:
            check_noise(noise, self.latent.noise_shape, self.output_bias)
        return self.pixels_of_code(self.latent.sample(noise))

    def pixels_of_code(self, code: Tensor) -> Tensor:
        """Images (N, C, H, W) of codes that no image was encoded to, as `latent.expand` and `latent.sample` return
        them; raises IncompatiblePair where the decoder needs more."""
        if self.decoder.needs_index is not None:
            raise IncompatiblePair(
                f"a code by itself has no {self.decoder.needs_index} indices to decode it with: use a decoder without, "
                "such as decoder=resize"
            )
        return self.pixels(Encoded(code, (None,) * (len(self.encoder.spec.shapes) - 1)))

    def pixels_of_bottleneck(self, bottleneck: Tensor) -> Tensor:
        """Images (N, C, H, W) of bottlenecks that were drawn or interpolated, brought onto the codes of the latent
        where it has a `project`; raises as `pixels_of_code`."""
        project = getattr(self.latent, "project", None)
        return self.pixels_of_code(self.latent.expand(bottleneck if project is None else project(bottleneck)))

    def pixels(self, encoded: Encoded, sizes: Sequence[Size2d] | None = None) -> Tensor:
        """As `decode`, unchecked; `sizes` are those of `ConvDecoder.forward`."""
        return self._output(self.decoder(encoded) if sizes is None else self.decoder(encoded, sizes))[0]

    def _output(self, raw: Tensor) -> tuple[Tensor, Tensor | None]:
        """(pixels, logits if there are any) of what the decoder returned."""
        raw = raw + self.output_bias
        return (raw.sigmoid(), raw) if self.output == "sigmoid" else (raw, None)
