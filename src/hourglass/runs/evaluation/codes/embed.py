"""The codes of a data set, or of your own pictures, as a table."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hourglass.config.compose import option
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import replacing
from hourglass.data import picture_files
from hourglass.data.batches import Split
from hourglass.data.datamodule import ImageData
from hourglass.data.fitting import fitted
from hourglass.nn import Autoencoder
from hourglass.runs.evaluation.codes.embed_options import OWN, Options
from hourglass.runs.evaluation.codes.probe import embedded
from hourglass.runs.evaluation.codes.tables import Codes, table
from hourglass.runs.load import load_run
from hourglass.runs.read import read_configuration

SPLITS: tuple[Split, ...] = ("train", "val", "test")


def embed(options: Options, files: Sequence[Path]) -> None:
    """Write the codes of `files`, or of the data set that was asked for, and say how many there are.

    Raises DataError at its end where a picture could not be read; the codes of the others are kept.
    """
    autoencoder = load_run(options.folder, trust=options.trust)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    autoencoder, size, failed = autoencoder.to(device), int(autoencoder.latent.code_size), list[str]()
    if options.images is not None:
        rows = _of_pictures(autoencoder, files, options, device, failed)
    else:
        rows = _of_data(autoencoder, _data(options, autoencoder), options, device)
    first = next(rows, None)  # what is wrong with the data is said before anything is written
    if first is None:
        raise DataError("\n".join(failed))
    told = {
        "run": read_configuration(options.folder, options.trust).id,
        "data": options.data,
        "fit": options.fit if options.images else None,
    }
    options.file.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with replacing(options.file) as path, table(path, options.file.suffix, size, told) as writer:
        for codes in itertools.chain([first], rows):
            writer.add(codes)
            count += len(codes.code)
    print(f"{count:,} codes of {size:,} numbers in {options.file}")
    if failed:
        raise DataError("\n".join(failed))


def _of_data(autoencoder: Autoencoder, data: ImageData, options: Options, device: torch.device) -> Iterator[Codes]:
    """Uncorrupted, in their order."""
    for split in SPLITS if options.split == "all" else (options.split,):
        there = data.images[split]
        for index in torch.arange(len(there)).split(options.batch_size):
            images = data.pick(split, index.tolist(), device).target
            labels = None if there.labels is None else there.labels[index].numpy()
            names = None if there.names is None else [there.names[i] for i in index]
            yield Codes(embedded(autoencoder, images), names, split, index.numpy(), labels)


def _data(options: Options, autoencoder: Autoencoder) -> ImageData:
    """The images, read. Raises ConfigError where they are of another shape."""
    configuration = read_configuration(options.folder, options.trust)
    if options.data is not None and options.data != OWN:
        values: dict[str, Any] = {"data": option("data", options.data)}
        if options.root:
            values["data.root"] = options.root
        channels, height, width = autoencoder.image_shape  # pictures are made as large as those of the run
        fitting = {"size": height if height == width else [height, width], "colour": channels == 3}
        values |= {f"data.{key}": value for key, value in fitting.items() if key in values["data"]}
        configuration = configuration.with_values(values)
    data: ImageData = Parts(configuration).data
    if tuple(data.image_shape) != tuple(autoencoder.image_shape):
        theirs, ours = ("×".join(map(str, shape)) for shape in (data.image_shape, autoencoder.image_shape))
        raise ConfigError(
            f"data={options.data} has images of {theirs}, and the run was trained on {ours}: choose others"
        )
    data.setup("test" if options.split == "test" else None)
    return data


def _of_pictures(
    autoencoder: Autoencoder, files: Sequence[Path], options: Options, device: torch.device, failed: list[str]
) -> Iterator[Codes]:
    """In the order in which they were given; what could not be read is noted in `failed`."""
    channels, height, width = autoencoder.image_shape
    if channels not in (1, 3):
        raise ConfigError(f"{options.run} was trained on images of {channels} channels; pictures have 1 or 3")
    for start in range(0, len(files), options.batch_size):
        pictures: dict[int, Tensor] = {}
        for i, file in enumerate(files[start : start + options.batch_size], start):
            try:
                pixels = torch.from_numpy(picture_files.read(file, channels).pixels)
            except DataError as error:
                failed.append(str(error))
            else:
                pictures[i] = fitted(pixels, height, width, options.fit)
        if pictures:
            code = embedded(autoencoder, torch.stack(list(pictures.values())).to(device))
            yield Codes(code, [str(files[i]) for i in pictures], None, np.array(list(pictures)), None)
