"""`python tools/latent_pictures.py logs/sweeps/latents`: a picture of each latent, for docs/latents.md.

Of one run with each: eight test digits, the code of each, and what the decoder makes of it. A code with a place is
drawn in its place; a vector, as rows of squares. Numbers are blue below 0 and red above, on one scale a picture; of a
quantised code the whole numbers have a colour each. Needs the extra `dev`.
"""

import math
import sys
from pathlib import Path

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

matplotlib.use("Agg")
from matplotlib import pyplot as plt

import hourglass
from hourglass.report.reading.runs import read

PICTURES = Path(__file__).parents[1] / "docs" / "images" / "latents"
COUNT = 8


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    PICTURES.mkdir(parents=True, exist_ok=True)
    drawn = set()
    for run in read(sys.argv[1]).runs:
        latent = run.choices["latent"]
        if latent not in drawn:
            drawn.add(latent)
            draw(run.folder, PICTURES / f"{latent}.png")
    print(f"{len(drawn)} pictures in {PICTURES}")


@torch.no_grad()
def draw(folder: Path, path: Path) -> None:
    """Three rows: images, codes, outputs."""
    autoencoder = hourglass.load_run(folder)
    images = hourglass.load_data(folder).pick("test", range(COUNT)).target
    codes, numbers = code_pictures(autoencoder, images)
    limit = float(np.nanmax(abs(codes))) + (not numbers)
    colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if numbers else {"cmap": "nipy_spectral", "vmax": limit}
    figure, axes = plt.subplots(3, COUNT, figsize=(8, 3.1), squeeze=False)
    for row, pictures, options in (
        (0, images.squeeze(1).numpy(), {"cmap": "gray", "vmin": 0, "vmax": 1}),
        (1, codes, {"vmin": 0} | colours),
        (2, autoencoder(images).squeeze(1).numpy(), {"cmap": "gray", "vmin": 0, "vmax": 1}),
    ):
        for axis, picture in zip(axes[row], pictures, strict=True):
            axis.imshow(picture, interpolation="nearest", **options)
            axis.set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(("image", "code", "output")[row])
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def code_pictures(autoencoder: hourglass.Autoencoder, images: Tensor) -> tuple[NDArray[np.float64], bool]:
    """(COUNT, height, width), and whether they are numbers: those of a quantised code are names."""
    code, latent = autoencoder.encoder(images).code, autoencoder.latent
    if hasattr(latent, "codes"):
        return beside(latent.codes(code).movedim(-1, 1)), False
    narrow = latent.bottleneck(code)
    if narrow.ndim == 4:
        return beside(narrow), True
    height = max(side for side in range(1, math.isqrt(narrow.shape[1]) + 1) if narrow.shape[1] % side == 0)
    return narrow.unflatten(1, (height, -1)).double().numpy(), True


def beside(maps: Tensor) -> NDArray[np.float64]:
    """(N, C, h, w) -> (N, H, W): the maps of an image side by side, in a square of squares, a gap between them."""
    count, channels, height, width = maps.shape
    across = math.ceil(math.sqrt(channels))
    down = -(-channels // across)
    picture = np.full((count, down * (height + 1) - 1, across * (width + 1) - 1), np.nan)
    for channel in range(channels):
        y, x = (channel // across) * (height + 1), (channel % across) * (width + 1)
        picture[:, y : y + height, x : x + width] = maps[:, channel]
    return picture


if __name__ == "__main__":
    main()
