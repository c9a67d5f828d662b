"""How codebooks are used, over a whole set of images."""

from torch import Tensor

from hourglass.metrics.base import Sums
from hourglass.nn.latents import quantised


class CodebookUse(Sums):
    """`update(codes)` with (N, h, w, quantizers); `compute()` gives `perplexity` and `usage`, means over the
    quantisers, and `dead_codes`, those of all codebooks that nothing chose."""

    def __init__(self, quantizers: int, codebook_size: int) -> None:
        super().__init__(f"{quantizers}_{codebook_size}", {"counts": (quantizers, codebook_size)})
        self.codebook_size = codebook_size
        self.counts: Tensor

    def update(self, codes: Tensor) -> None:
        self.counts += quantised.count(codes, self.codebook_size)

    def compute(self) -> dict[str, Tensor]:
        return {
            "perplexity": quantised.perplexity(self.counts),
            "usage": quantised.usage(self.counts),
            "dead_codes": (self.counts == 0).sum().double(),
        }
