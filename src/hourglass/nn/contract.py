"""The whole contract between the parts of an autoencoder, on one screen.

| part                                 | call                        | shape                                          |
|--------------------------------------|-----------------------------|------------------------------------------------|
| `Down(in_channels, out_channels, …)` | `y, index = down(x)`        | (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)) |
| `Up(in_channels, out_channels, …)`   | `x = up(y, size, index)`    | (N, Ci, h, w) -> (N, Co, *size)                |
| `Encoder(image_shape, …)`            | `encoded = encoder(images)` | (N, C, H, W) -> `Encoded`; has `.spec`         |
| `Latent(spec, …)`                    | `latent(code, noise)`       | (N, C, h, w) or (N, D) -> `Coded`, same shape  |
| `Decoder(spec, …)`                   | `decoder(encoded)`          | `Encoded` -> (N, C, H, W)                      |
| `Loss(…)`                            | `loss(result, target)`      | `Reconstruction` -> (N,), or `Judged`          |

A Down rounds **up**, so that 28 -> 14 -> 7 -> 4 whatever the operator; an Up makes ceil(n/s)·s rows and columns and
crops them at the bottom and right to exactly `size`. Each holds exactly one learned convolution; the two in
`operators/dynamic.py` also learn how to interpolate. Everything a decoder may use arrives in `Encoded`; an Up that
needs no index ignores it. More on the operators: `operators/__init__.py`; on the latents: `latents/__init__.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from hourglass.core.errors import IncompatiblePair
from hourglass.core.types import Shape

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid", "none"]

Init = Literal["matched", "measured", "default"]
"""How an operator's weights are drawn: see `layers.initialise`; and `measured`, `ConvDecoder.match_power`."""

IndexKind = Literal["argmax", "polyphase"]
"""What may travel beside the code: `argmax`, the positions of the maxima that pooling kept, (N, C, h, w) for each
stage; `polyphase`, the sub-sampled grid that adaptive polyphase sampling kept, (N,) for each stage."""

ENCODERS_WITH_INDEX: dict[IndexKind, str] = {"argmax": "encoder=maxpool", "polyphase": "encoder=aps"}

NUMBER_BITS = 32
"""What each number of a code that is not quantised counts as: a float32, as it leaves the network."""

Logs = Mapping[str, Tensor]
"""Numbers to log beside the loss, by name: scalars, means over the images of the batch, unweighted. The names are the
same in every call; in an evaluation NaN leaves a batch out of the mean over all."""

NO_LOGS: Logs = MappingProxyType({})


@dataclass(frozen=True)
class CodeSpec:
    """Static shapes of one encoder, known before any data is read."""

    shapes: tuple[Shape, ...]
    """The image, then the output of each stage; the last one is the code."""
    index: IndexKind | None
    """What travels beside the code, one tensor for each stage; None: nothing does."""

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
    """One for each stage, image side first; None where the stage keeps none."""


class Coded(NamedTuple):
    """What a latent made of the code of one batch."""

    code: Tensor
    """Same shape as the code that went in."""
    regularization: Tensor
    """Scalar, mean over the images, in the unit of the reconstruction loss summed over an image's pixels."""
    logs: Logs = NO_LOGS
    """What is logged as `train/NAME`, `val/NAME` and `test/NAME`. `kl`: the KL divergence from the posterior to the
    prior, nats per image, of which an ELBO is made. `perplexity` and `usage` of codebooks, of a batch."""
    codes: Tensor | None = None
    """(N, h, w, quantizers) int64, the numbers of the codes of a latent with codebooks"""


@runtime_checkable
class Variational(Protocol):
    """A latent with a Gaussian posterior, whose prior is N(0, I)."""

    def posterior(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of z, (N, *noise_shape) each, of an encoder's code."""
        ...


@runtime_checkable
class Quantised(Protocol):
    """A latent whose codes are whole numbers."""

    def codes(self, code: Tensor) -> Tensor:
        """An encoder's code -> (N, …) int64."""
        ...

    def decode_codes(self, codes: Tensor) -> Tensor:
        """(N, …) int64 -> what the decoder gets of them."""
        ...


class Judged(NamedTuple):
    """What a loss may return in place of (N,), where it has more to log."""

    loss: Tensor
    """(N,), summed over each image's pixels"""
    logs: Logs = NO_LOGS


def require_rank(shape: Shape, rank: int, part: str, cure: str) -> None:
    """Raise IncompatiblePair, naming `part` and `cure`, unless the code's `shape` has `rank` dimensions."""
    if len(shape) != rank:
        kind = "flat" if len(shape) == 1 else "spatial"
        raise IncompatiblePair(f"{part} cannot use the {kind} code {shape} of this encoder: {cure}")
