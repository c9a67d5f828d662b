"""Your own pictures through a trained autoencoder, one after the other."""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from PIL import Image

from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import expanded, replacing
from hourglass.data import picture_files, pictures
from hourglass.metrics.reconstruction import psnr
from hourglass.runs.evaluation.fitting import fit_and_reconstruct
from hourglass.runs.evaluation.reconstruct_options import COMPARISONS, Options
from hourglass.runs.load import load_run


def reconstruct(options: Options, names: Mapping[Path, str]) -> None:
    """Read, reconstruct and write (file -> name of the output), and say how well each went.

    Raises DataError at its end where a picture could not be read.
    """
    out = options.folder
    autoencoder = load_run(expanded(options.run), trust=options.trust)
    channels, height, width = autoencoder.image_shape
    if channels not in (1, 3):
        raise ConfigError(f"{options.run} was trained on images of {channels} channels; pictures have 1 or 3")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    autoencoder = autoencoder.to(device)
    (out / COMPARISONS if options.compare else out).mkdir(parents=True, exist_ok=True)
    became = f"in tiles of {width}×{height}" if options.fit == "tile" else f"→ {width}×{height}"
    longest = max(len(file.name) for file in names)
    errors, failed = [], []
    for file, name in names.items():
        try:
            picture = picture_files.read(file, channels)
        except DataError as error:
            failed.append(str(error))
            continue
        pixels = torch.from_numpy(picture.pixels).to(device)
        target, result = fit_and_reconstruct(autoencoder, pixels, options.fit)
        (image,) = pictures.to_pil(result[None])
        _write(image.convert("L") if channels == 1 else image, out / name)
        if options.compare:
            rows = {"input": target[None], "reconstruction": result[None]}
            _write(pictures.grid(rows | pictures.error_row((result - target)[None])), out / COMPARISONS / name)
        mse = (result - target).square().mean()  # of the network's own numbers, which the file cuts to [0, 1]
        errors.append(float(mse))
        size = "{2}×{1}".format(*picture.pixels.shape)
        notes = f"  ({', '.join(picture.notes)})" if picture.notes else ""
        print(f"{file.name:<{longest}}  {size} {became}  MSE {mse:.5f}  PSNR {psnr(mse):.2f} dB{notes}")
    if errors:
        print(f"{len(errors)} in {out}, mean MSE {math.fsum(errors) / len(errors):.5f}")
    if failed:
        raise DataError("\n".join(failed))


def _write(image: Image.Image, path: Path) -> None:
    with replacing(path) as partial:
        image.save(partial, "PNG")
