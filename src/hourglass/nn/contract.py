"""The whole contract between the parts of an autoencoder, on one screen.

| part                                 | call                        | shape                                          |
|--------------------------------------|-----------------------------|------------------------------------------------|
| `Down(in_channels, out_channels, …)` | `y, index = down(x)`        | (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)) |
| `Up(in_channels, out_channels, …)`   | `x = up(y, size, index)`    | (N, Ci, h, w) -> (N, Co, *size)                |
| `Encoder(image_shape, …)`            | `encoded = encoder(images)` | (N, C, H, W) -> `Encoded`; has `.spec`         |
| `Latent(spec, …)`                    | `latent(code, noise)`       | -> `Coded`, code of the same shape             |
| `Decoder(spec, …)`                   | `decoder(encoded)`          | `Encoded` -> (N, C, H, W)                      |

A Down rounds **up**, so 28 -> 14 -> 7 -> 4 whatever the operator; an Up makes ceil(n/s)·s rows and columns and
crops bottom and right to exactly `size`. Each of them holds exactly one learned convolution (the two of `up_dynamic.py`
learn besides how to interpolate), and counts its multiply-adds for one image as `macs(shape_in, shape_out)`. All that a
decoder may use arrives in `Encoded`; an Up that needs no index ignores it.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Shape

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid", "none"]


Init = Literal["matched", "default"]


IndexKind = Literal["argmax", "polyphase"]
"""What may travel beside the code: `argmax`, the positions that max pooling kept, (N, C, h, w) a stage; `polyphase`,
the sub-sampled grid that adaptive polyphase sampling kept, (N,) a stage."""


ENCODERS_WITH_INDEX: dict[IndexKind, str] = {"argmax": "encoder=maxpool", "polyphase": "encoder=aps"}


@dataclass(frozen=True)
class CodeSpec:
    """Static shapes of one encoder, known before any data is read."""

    shapes: tuple[Shape, ...]
    """The image, then the output of each stage; the last one is the code."""
    index: IndexKind | None
    """Which positions travel beside the code, one tensor a stage; None: nothing does."""

    @property
    def image_shape(self) -> Shape:
        return self.shapes[0]

    @property
    def code_shape(self) -> Shape:
        return self.shapes[-1]


class Encoded(NamedTuple):
    """The code of one batch and what travels beside it."""

    code: Tensor
    """(N, C, h, w) or (N, D)"""
    indices: tuple[Tensor | None, ...]
    """One a stage, image side first; None where nothing was kept."""


class Coded(NamedTuple):
    """What a latent made of one batch's code."""

    code: Tensor
    """Same shape as the code that came in."""
    penalty: Tensor
    """Scalar, mean over the images, in the unit of the reconstruction loss summed over an image's pixels."""
    kl: Tensor
    """Scalar, nats per image: KL divergence from posterior to prior; 0 where the code is deterministic."""


def same_rank(shape: Shape, rank: int, who: str, cure: str) -> None:
    """Raise IncompatiblePair unless `shape` has `rank` dimensions."""
    if len(shape) != rank:
        kind = "flat" if len(shape) == 1 else "spatial"
        raise IncompatiblePair(f"{who} cannot use the {kind} code {shape} of this encoder: {cure}")
