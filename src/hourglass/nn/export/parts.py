"""The parts of an autoencoder that can be taken away, each a module of plain tensors."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from hourglass.core.errors import ConfigError
from hourglass.core.types import Shape, Size2d
from hourglass.nn.autoencoder import Autoencoder
from hourglass.nn.contract import Encoded
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.encoders import ConvEncoder
from hourglass.nn.latents import NoLatent
from hourglass.nn.layers import evaluating

PartName = Literal["autoencoder", "encoder", "decoder"]
PREFIXES: dict[PartName, tuple[str, ...]] = {
    "autoencoder": ("",),
    "encoder": ("encoder.", "latent."),
    "decoder": ("decoder.", "latent.", "output_bias"),
}
"""What the names of a part's weights begin with in the `state_dict` of the autoencoder."""


class Port(NamedTuple):
    """One input or output of a part."""

    name: str
    shape: Shape
    """Without the batch"""
    grid: int | None
    """Of its last two dimensions: how many pixels of the image a cell of it has at each side; None: no grid"""
    integer: bool = False
    """int64, not float32"""


class Part(nn.Module):
    """`autoencoder`: images -> reconstruction; `encoder`: images -> code, indices …; `decoder`: code, indices … -> it.

    The code is the bottleneck itself, (N, D) or (N, C, h, w); a variational one is at its mean, a quantised one in
    vectors. There are as many indices as the decoder needs: one for each stage, or none. Images may have any size of
    which `step` is a divisor, where there is one. Raises ConfigError for a latent of another package that cannot be
    divided.
    """

    def __init__(self, autoencoder: Autoencoder, part: PartName) -> None:
        super().__init__()
        self.autoencoder, self.part = autoencoder, part
        if part != "autoencoder" and not hasattr(autoencoder.latent, "expand"):
            kind = type(autoencoder.latent).__name__
            raise ConfigError(f"{kind} has no bottleneck and expand to be divided at: use part=autoencoder")
        self.inputs, self.outputs = self._ports()

    @property
    def step(self) -> int | None:
        """Both sides of an image may be any multiple of it; None where the network has one size only."""
        model, part = self.autoencoder, self.part
        encodes = part == "decoder" or isinstance(model.encoder, ConvEncoder)
        decodes = part == "encoder" or isinstance(model.decoder, ConvDecoder)
        if not (isinstance(model.latent, NoLatent) and encodes and decodes) or len(model.encoder.spec.code_shape) != 3:
            return None
        total: int = model.encoder.strides[-1]
        return None if any(side % total for side in model.image_shape[1:]) else total

    def forward(self, *given: Tensor) -> Tensor | tuple[Tensor, ...]:
        model = self.autoencoder
        if self.part == "autoencoder":
            (images,) = given
            encoded = model.encoder(images)
            encoded = encoded._replace(code=model.latent(encoded.code).code)
            return self._decoded(encoded, (images.shape[2], images.shape[3]))
        if self.part == "encoder":
            encoded = model.encoder(given[0])
            code = model.latent.bottleneck(encoded.code)
            return (code, *encoded.indices) if model.decoder.needs_index else code
        code = model.latent.expand(given[0])
        indices = given[1:] or (None,) * (len(model.encoder.spec.shapes) - 1)
        side = self.step or 1
        return self._decoded(Encoded(code, indices), (code.shape[-2] * side, code.shape[-1] * side))

    def _decoded(self, encoded: Encoded, size: Size2d) -> Tensor:
        """At any size where the network has no size of its own."""
        sizes = None if self.step is None else list(self._sizes(size))
        return self.autoencoder.pixels(encoded, sizes)

    def _sizes(self, size: Size2d) -> Iterator[Size2d]:
        """Of the image and of each stage but the last, the sides multiples of `step`."""
        for stride in (1, *self.autoencoder.encoder.strides[:-1]):
            yield size[0] // stride, size[1] // stride

    def _bottleneck_shape(self) -> Shape:
        latent, spec = self.autoencoder.latent, self.autoencoder.encoder.spec
        with torch.no_grad(), evaluating(latent):
            zeros = self.autoencoder.output_bias.new_zeros(1, *spec.code_shape)
            return tuple(latent.bottleneck(zeros).shape[1:])

    def _ports(self) -> tuple[list[Port], list[Port]]:
        model = self.autoencoder
        spec, latent = model.encoder.spec, model.latent
        strides: list[int | None] = [*model.encoder.strides] or [None]
        code = Port("code", spec.code_shape, strides[-1])
        if not isinstance(latent, NoLatent):
            code = Port("code", self._bottleneck_shape(), None)
        indices = []
        if (kind := model.decoder.needs_index) is not None:
            on_grid = kind == "argmax"  # else one for each image
            for i, (shape, stride) in enumerate(zip(spec.shapes[1:], strides, strict=True)):
                indices.append(Port(f"index_{i}", shape if on_grid else (), stride if on_grid else None, True))
        images = Port("images", spec.image_shape, 1)
        return {
            "autoencoder": ([images], [images._replace(name="reconstruction")]),
            "encoder": ([images], [code, *indices]),
            "decoder": ([code, *indices], [images._replace(name="reconstruction")]),
        }[self.part]
