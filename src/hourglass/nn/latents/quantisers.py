"""Ways to quantise, those of `vector-quantize-pytorch`, the extra `vq`.

Statistics of codebooks and whether they have been started are buffers, so a checkpoint holds them; what is drawn comes
from torch's own generator, which a run seeds before each batch.
"""

import math
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from hourglass.core.compat.extras import imported
from hourglass.core.errors import ConfigError
from hourglass.core.types import Beta, Count, NonNegative, Size
from hourglass.nn.contract import Activation, CodeSpec
from hourglass.nn.latents.quantised import QuantisedLatent

Estimator = Literal["rotation", "straight_through"]
"""How the gradient passes a codebook: turned as the code was (Fifty et al. 2024), or as it is"""
INVERSE_TEMPERATURE = 100.0
"""Of the soft choice of which LFQ's entropies are (Yu et al. 2023)"""
MOST_CODES = 2**16
Codes = Annotated[int, Field(ge=2, le=MOST_CODES)]
Bits = Annotated[int, Field(ge=1, le=16)]
Levels = Annotated[list[Annotated[int, Field(ge=3)]], Field(min_length=1)]
"""With two levels the library's rounding would not be symmetric."""


class _LearnedCodes(QuantisedLatent):
    """What `eval` mode needs of codebooks, by ourselves: the library's own way cannot be traced for an export."""

    def books(self) -> Tensor:
        """(quantizers, codebook_size, dim)"""
        raise NotImplementedError

    def nearest(self, z: Tensor) -> Tensor:
        codes, z = [], z if z.dtype == torch.float64 else z.float()
        for book in self.books().to(z):
            codes.append((book.square().sum(1) - 2 * z @ book.T).argmin(-1))  # |z - code|² but for |z|²
            z = z - book[codes[-1]]
        return torch.stack(codes, -1)

    def vectors(self, codes: Tensor) -> Tensor:
        return sum(book[one] for book, one in zip(self.books(), codes.unbind(-1), strict=True))


class VQLatent(_LearnedCodes):
    """Learned codes. With several `quantizers` each has what the ones before it left over, and the vector is the sum.

    `codebook`: `ema`, a code is the moving average, of factor `decay`, of what chose it; `gradient`, it is learned as
    all else. The loss is commitment · Σ (z - code)², which with `gradient` moves the codes too. `kmeans`: rounds of
    k-means on the first batch, from which it starts; 0: from random codes. A code that is chosen less than `dead_below`
    times a batch, as a moving average, starts again as a random vector of the batch; 0: never.
    Source: van den Oord et al. 2017; several: Zeghidour et al. 2021.
    """

    def __init__(
        self,
        spec: CodeSpec,
        *,
        dim: Count,
        codebook_size: Codes,
        quantizers: Count,
        activation: Activation,
        codebook: Literal["ema", "gradient"],
        decay: Beta,
        commitment: NonNegative,
        kmeans: Size,
        dead_below: NonNegative,
        estimator: Estimator,
    ) -> None:
        if codebook == "gradient" and not commitment:
            raise ConfigError(
                "latent.codebook=gradient moves the codes by the commitment, and latent.commitment=0 leaves them where "
                "they are: use a larger latent.commitment, or latent.codebook=ema"
            )
        super().__init__(spec, dim=dim, codebook_size=codebook_size, activation=activation, quantizers=quantizers)
        self.kmeans = kmeans
        self.started: Tensor
        self.register_buffer("started", torch.tensor(False))  # in training: in `eval` mode no codebook may start
        self.quantizer = library().ResidualVQ(
            dim=dim,
            codebook_size=codebook_size,
            num_quantizers=quantizers,
            ema_update=codebook == "ema",
            learnable_codebook=codebook == "gradient",
            decay=decay,
            commitment_weight=commitment,
            kmeans_iters=kmeans,
            threshold_ema_dead_code=dead_below,
            rotation_trick=estimator == "rotation",
            sync_codebook=False,  # each process has the whole batch
        )

    def quantise(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self.training and self.kmeans and not self.started:
            for layer in self.quantizer.layers:
                layer._codebook.initted.fill_(False)  # so that the library starts it in the call below
        if self.training:
            self.started.fill_(True)
        return super().quantise(z)

    def books(self) -> Tensor:
        books: Tensor = self.quantizer.codebooks
        return books


class SimVQLatent(_LearnedCodes):
    """Fixed random codes seen through one learned linear map, so that all move where one is chosen.

    The loss is Σ (sg(z) - code)² + commitment · Σ (z - sg(code))². Source: Zhu et al. 2024.
    """

    def __init__(
        self,
        spec: CodeSpec,
        *,
        dim: Count,
        codebook_size: Codes,
        activation: Activation,
        commitment: NonNegative,
        estimator: Estimator,
    ) -> None:
        super().__init__(spec, dim=dim, codebook_size=codebook_size, activation=activation)
        self.quantizer = library().SimVQ(
            dim=dim,
            codebook_size=codebook_size,
            rotation_trick=estimator == "rotation",
            input_to_quantize_commit_loss_weight=commitment,
        )

    def books(self) -> Tensor:
        book: Tensor = self.quantizer.codebook
        return book[None]


class FSQLatent(QuantisedLatent):
    """Each number is bounded and rounded to one of its `levels`; every combination is a code; there is no codebook.

    Source: Mentzer et al. 2023.
    """

    def __init__(self, spec: CodeSpec, *, levels: Levels, activation: Activation) -> None:
        if (codes := math.prod(levels)) > MOST_CODES:
            raise ConfigError(
                f"latent.levels={levels} make {codes} codes, more than {MOST_CODES}: use fewer or smaller"
            )
        super().__init__(spec, dim=len(levels), codebook_size=codes, activation=activation)
        self.levels = list(levels)
        with torch.device("cpu"):  # it asks for the product of the levels, where there may be no values
            quantizer = library().FSQ(levels)
        self.quantizer = quantizer.to(self.down.weight.device)

    def quantise(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return *self.quantizer(z), z.new_zeros(())

    def project(self, bottleneck: Tensor) -> Tensor:
        """The nearest levels: of n of them the whole numbers from -(n // 2) on, over n // 2."""
        levels = torch.tensor(self.levels, device=bottleneck.device).view(-1, 1, 1)
        half = levels // 2
        return (bottleneck * half).round().clamp(-half, levels - 1 - half) / half


class LFQLatent(QuantisedLatent):
    """The signs of `dim` numbers: 2^dim codes, and no codebook.

    The loss is entropy · (H(code | z) - diversity · H(code)) + commitment · Σ (z - code)², in nats a position: each
    choice is to be sure, and all codes are to be chosen. It takes 2^dim numbers a position in memory.
    Source: Yu et al. 2023.
    """

    def __init__(
        self,
        spec: CodeSpec,
        *,
        dim: Bits,
        activation: Activation,
        entropy: NonNegative,
        diversity: NonNegative,
        commitment: NonNegative,
    ) -> None:
        super().__init__(spec, dim=dim, codebook_size=2**dim, activation=activation)
        self.entropy, self.diversity, self.commitment = entropy, diversity, commitment
        self.quantizer = library().LFQ(dim=dim, codebook_size=2**dim)

    def quantise(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        nearest, codes, _ = self.quantizer.eval()(z)  # its own loss comes out wrong with several processes
        if not self.training:
            return nearest, codes, z.new_zeros(())
        logits = 2 * INVERSE_TEMPERATURE * z.flatten(0, 1) @ self.quantizer.codebook.to(z).T
        chances = logits.softmax(1)
        uncertainty = entropy_of(chances).mean() - self.diversity * entropy_of(chances.mean(0))
        loss = self.entropy * uncertainty + self.commitment * self.dim * F.mse_loss(z, nearest)
        return z + (nearest - z).detach(), codes, loss


def entropy_of(chances: Tensor) -> Tensor:
    """(…, K) -> (…), nats; the gradient is finite where a chance is 0."""
    return torch.special.entr(chances.clamp(min=1e-12)).sum(-1)


def library() -> Any:
    """vector-quantize-pytorch; raises ConfigError where it is missing."""
    return imported("vector_quantize_pytorch", "a quantised latent needs", "vq")
