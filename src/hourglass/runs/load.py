"""A trained run back from its folder: the autoencoder, and its data."""

from pathlib import Path

import torch

from hourglass.config.parts import Parts
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.runs.read import read_configuration
from hourglass.training.checkpoints import load_weights, read_checkpoint


def load_run(folder: str | Path, checkpoint: str = "best") -> Autoencoder:
    """The trained autoencoder of a run folder, in `eval` mode on the CPU; `checkpoint` is `best` or `last`.

    Nothing in the folder is executed: parts are made only of what `conf/` names, the configuration may call no
    resolver, and checkpoints are loaded with `weights_only=True`. Raises DataError where a file is missing or damaged,
    ConfigError where the configuration asks for more.
    """
    parts = Parts(read_configuration(Path(folder)))
    path = Path(folder) / "checkpoints" / f"{checkpoint}.ckpt"
    saved = read_checkpoint(path)
    channels = saved["config"]["encoder"].get("channels")  # `match=` has scaled the configured ones
    model: Autoencoder = parts.autoencoder(parts.data.image_shape, channels)
    load_weights(model, saved, path)
    return model.to(memory_format=torch.channels_last).eval()


def load_data(folder: str | Path) -> ImageData:
    """The data module of a run folder, with its images read: `pick("test", range(8))` gives a corrupted batch."""
    data: ImageData = Parts(read_configuration(Path(folder))).data
    data.setup()
    return data
