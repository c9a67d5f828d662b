"""Pictures of a code: what lies between two of them, what its numbers do, and which images are near in it."""

import torch
from PIL import Image
from torch import Tensor

from hourglass.data import pictures
from hourglass.nn.autoencoder import Autoencoder

STEPS, TRAVERSED, NEAREST = 8, 8, 4
"""Images in a row of interpolations and traversals; numbers that are traversed; neighbours"""


def code_pictures(autoencoder: Autoencoder, images: Tensor, count: int) -> dict[str, Image.Image]:
    """By name, of the first `count` of these images (N, C, H, W) among all of them.

    `interpolations` and `traversals` need a decoder without indices, and a latent with `bottleneck` and `expand`.
    """
    code = autoencoder.encoder(images).code
    drawn = {"neighbours": neighbours(images, autoencoder.latent.embed(code).float(), count)}
    if autoencoder.decoder.needs_index is None and hasattr(autoencoder.latent, "expand"):
        narrow = autoencoder.latent.bottleneck(code)
        if count > 1:
            drawn["interpolations"] = interpolations(autoencoder, narrow[:count])
        drawn["traversals"] = traversals(autoencoder, narrow)
    return drawn


def interpolations(autoencoder: Autoencoder, codes: Tensor) -> Image.Image:
    """A row for each pair of neighbours in the list, from one to the other in equal steps along a straight line; each
    is brought onto the codes of the latent, as those of a traversal are."""
    t = torch.linspace(0, 1, STEPS, device=codes.device, dtype=codes.dtype).view(-1, *[1] * (codes.ndim - 1))
    rows = {
        f"{i} to {i + 1}": torch.lerp(codes[i : i + 1], codes[i + 1 : i + 2], t) for i in range(0, len(codes) - 1, 2)
    }
    return pictures.grid({label: autoencoder.pixels_of_bottleneck(row) for label, row in rows.items()})


def traversals(autoencoder: Autoencoder, codes: Tensor) -> Image.Image:
    """A row for each of the numbers that vary most over all codes, from 2 standard deviations below its mean to 2 above
    it; the others are those of the first code."""
    flat = codes.flatten(1).float()
    deviation, mean = torch.std_mean(flat, 0, correction=0)
    rows = {}
    for number in deviation.argsort(descending=True, stable=True)[:TRAVERSED].tolist():
        row = flat[:1].repeat(STEPS, 1)
        row[:, number] = mean[number] + deviation[number] * torch.linspace(-2, 2, STEPS, device=flat.device)
        rows[f"number {number}"] = autoencoder.pixels_of_bottleneck(row.to(codes.dtype).view(-1, *codes.shape[1:]))
    return pictures.grid(rows)


def neighbours(images: Tensor, embedded: Tensor, count: int) -> Image.Image:
    """A column for each of the first `count` images: itself, and those whose codes (N, D) are nearest, in order."""
    distance = torch.cdist(embedded[:count], embedded)
    distance.fill_diagonal_(torch.inf)
    order = distance.argsort(dim=1, stable=True)[:, : min(NEAREST, len(images) - 1)]
    rows = {f"nearest {i}": images[place] for i, place in enumerate(order.T, 1)}
    return pictures.grid({"test image": images[:count]} | rows)
