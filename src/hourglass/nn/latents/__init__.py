"""Latents: what happens to the code between encoder and decoder.

`latent(code, noise)` returns `Coded`. `bottleneck(code)` is the code at its narrowest, and `expand(bottleneck)` what
the decoder gets of it; `embed(code)` is the bottleneck as a table, (N, D). Where not every vector is a bottleneck,
`project(vectors)` gives the nearest that are, for vectors that were drawn or interpolated. `sample(noise)` turns draws
from the prior, where there is one, into codes. `code_size` is how many values an image is reduced to, and `code_bits`
what they cost: bits per image where the form of the code fixes them, `NUMBER_BITS` for each of its numbers unless it is
quantised; None where they are measured, by the `kl` that the latent logs, in nats: bits back (Hinton & van Camp 1993).
`noise_shape` is the shape of the standard normal noise that a latent needs per image; None where it needs none. The
noise is an argument, so that it can be a pure function of (seed, epoch, image), whatever the batch size or number of
devices. One that has noise and yet no prior says `has_prior = False`. One that `needs_images` is called in training as
`latent(code, noise, images)`, with the images that the code was made of, differentiably. One that compares the images
of a batch says in `least_images` how many it needs in training.

A latent with codebooks has `codebook_size` and `quantizers` too; `codes(code)` are the whole numbers of a code,
(N, h, w, quantizers), and `decode_codes(codes)` what the decoder gets of them.
"""

from hourglass.nn.latents.gaussian import GaussianLatent, SpatialGaussianLatent
from hourglass.nn.latents.penalties import ContractiveLatent, InfoLatent, WassersteinLatent
from hourglass.nn.latents.plain import DenseLatent, NoLatent
from hourglass.nn.latents.quantisers import FSQLatent, LFQLatent, SimVQLatent, VQLatent
from hourglass.nn.latents.sparse import SparseLatent, TopKLatent

__all__ = [
    "ContractiveLatent", "DenseLatent", "FSQLatent", "GaussianLatent", "InfoLatent", "LFQLatent", "NoLatent",
    "SimVQLatent", "SparseLatent", "SpatialGaussianLatent", "TopKLatent", "VQLatent", "WassersteinLatent",
]  # fmt: skip
