"""A trained run back from its folder: the autoencoder, and its data; and what an untrained one begins with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from hourglass.config.identity import run_id
from hourglass.config.parts import Parts
from hourglass.config.validation import check
from hourglass.core.errors import DataError
from hourglass.core.files import within
from hourglass.core.text import first_line
from hourglass.core.types import Count, Shape
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.runs.read import check_identity, read_configuration, read_summary
from hourglass.training.checkpoints import load_weights, read_checkpoint

MEASURED = 256
"""Training images, the first ones, on which `init=measured` measures."""


def load_run(folder: str | Path, checkpoint: str = "best", trust: Sequence[str] = ()) -> Autoencoder:
    """The trained autoencoder of a run folder, in `eval` mode on the CPU; `checkpoint` is `best` or `last`.

    Nothing in the folder is executed: parts are made only of what `conf/` names, the configuration may call no
    resolver, and checkpoints are loaded with `weights_only=True`. `trust`: packages whose parts are made too, such as
    `["mylab"]`. Raises DataError where a file is missing or damaged, ConfigError where the configuration asks for more.
    """
    configuration, summary = read_configuration(Path(folder), trust), read_summary(Path(folder))
    path = Path(folder) / "checkpoints" / f"{checkpoint}.ckpt"
    saved = read_checkpoint(within(path, Path(folder)))
    built = saved["config"]
    if summary is not None and summary["status"] == "completed" and run_id(built) != summary.get("id"):
        check_identity(Path(folder), summary, configuration)
    channels = built["encoder"].get("channels")  # `match=` has scaled the configured ones, or these:
    if (inner := built["decoder"].get("channels")) is not None:
        check(inner, list[Count], f"{path}: decoder.channels")
        configuration = configuration.with_values({"decoder.channels": inner})
    parts = Parts(configuration)
    return build(parts, parts.data.image_shape, channels, saved, path)


def build(
    parts: Parts, image_shape: Shape, channels: list[int] | None, saved: Mapping[str, Any], path: Path
) -> Autoencoder:
    """The autoencoder of a configuration with the weights `saved` in `path`, in `eval` mode.

    Raises DataError where the configuration describes no network, or the weights are those of another.
    """
    if not set(parts.configuration.trust or ()) & set(parts.configuration.packages):
        try:  # a part of another package need not work without numbers
            with torch.device("meta"):  # whatever sizes a stranger's configuration has
                shapes = parts.autoencoder(image_shape, channels)
        except RuntimeError as error:
            raise DataError(f"{path} is of a network that cannot be built: {first_line(error)}") from error
        load_weights(shapes, saved, path, on_trial=True)
    model: Autoencoder = parts.autoencoder(image_shape, channels)
    load_weights(model, saved, path)
    return model.to(memory_format=torch.channels_last).eval()


def load_data(folder: str | Path, trust: Sequence[str] = ()) -> ImageData:
    """The data module of a run folder, with its images read: `pick("test", range(8))` gives a corrupted batch.

    `trust` and errors as of `load_run`.
    """
    data: ImageData = Parts(read_configuration(Path(folder), trust)).data
    data.setup()
    return data


def begin(autoencoder: Autoencoder, parts: Parts) -> None:
    """Give an autoencoder that was just made what it starts with of its images, which are read: now it is untrained."""
    data = parts.data
    autoencoder.init_output_bias(data.mean)
    if parts.configuration.plain["decoder"].get("init") == "measured":
        first = range(min(MEASURED, len(data.images["train"])))
        autoencoder.match_power(data.pick("train", first).input)
