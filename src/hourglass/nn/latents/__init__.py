"""Latents: what happens to the code between encoder and decoder.

`latent(code, noise)` returns `Coded`. `bottleneck(code)` is the code at its narrowest, and `expand(bottleneck)` what
the decoder gets of it; `embed(code)` is the bottleneck as a table, (N, D). `sample(noise)` turns draws from the prior,
where there is one, into codes. `code_size` is how many values an image is reduced to. `noise_shape` is the shape of the
standard normal noise that a latent needs per image; None where the code is deterministic. The noise is an argument, so
that it can be a pure function of (seed, epoch, image), whatever the batch size or number of devices.

A latent with codebooks has `codebook_size` and `quantizers` too; `codes(code)` are the whole numbers of a code,
(N, h, w, quantizers), and `decode_codes(codes)` what the decoder gets of them.
"""

from hourglass.nn.latents.gaussian import GaussianLatent, SpatialGaussianLatent
from hourglass.nn.latents.plain import DenseLatent, NoLatent
from hourglass.nn.latents.quantisers import FSQLatent, LFQLatent, SimVQLatent, VQLatent

__all__ = [
    "DenseLatent", "FSQLatent", "GaussianLatent", "LFQLatent", "NoLatent", "SimVQLatent", "SpatialGaussianLatent",
    "VQLatent",
]  # fmt: skip
