"""A trained run back from its folder: the autoencoder, and its data."""

import pickle
from pathlib import Path
from typing import Any

import torch

from hourglass.config.parts import Parts
from hourglass.core.errors import DataError
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.runs.read import read_configuration

PREFIX = "autoencoder."
"""Of the autoencoder's weights in a checkpoint of the training module."""


def load_run(folder: str | Path, checkpoint: str = "best") -> Autoencoder:
    """The trained autoencoder of a run folder, in `eval` mode on the CPU; `checkpoint` is `best` or `last`.

    Nothing in the folder is executed: parts are made only of what `conf/` names, the configuration may call no
    resolver, and checkpoints are loaded with `weights_only=True`. Raises DataError where a file is missing or damaged,
    ConfigError where the configuration asks for more.
    """
    parts = Parts(read_configuration(Path(folder)))
    saved = read_checkpoint(Path(folder) / "checkpoints" / f"{checkpoint}.ckpt")
    weights, built = saved["state_dict"], saved["config"]
    channels = built["encoder"].get("channels")  # `match=` has scaled the configured ones
    model: Autoencoder = parts.autoencoder(parts.data.image_shape, channels)
    model.load_state_dict({key.removeprefix(PREFIX): w for key, w in weights.items() if key.startswith(PREFIX)})
    return model.to(memory_format=torch.channels_last).eval()


def load_data(folder: str | Path) -> ImageData:
    """The data module of a run folder, with its images read: `pick("test", range(8))` gives a corrupted batch."""
    data: ImageData = Parts(read_configuration(Path(folder))).data
    data.setup()
    return data


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint as plain values and tensors on the CPU; raises DataError where it is missing or damaged."""
    if not path.exists():
        raise DataError(f"{path} does not exist: the run has not saved it (yet), see summary.json beside checkpoints/")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{path} cannot be read ({error}): it was damaged after it was written") from error
