"""A trained run back from its folder: the autoencoder, and its data."""

import pickle
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from hourglass.config.identity import run_id
from hourglass.config.parts import Parts
from hourglass.core.errors import DataError
from hourglass.core.files import within
from hourglass.core.text import first_line
from hourglass.data.datamodule import ImageData
from hourglass.nn import Autoencoder
from hourglass.runs.read import check_identity, read_configuration, read_summary

PREFIX = "autoencoder."
"""Of the autoencoder's weights in a checkpoint of the training module."""


def load_run(folder: str | Path, checkpoint: str = "best", trust: Sequence[str] = ()) -> Autoencoder:
    """The trained autoencoder of a run folder, in `eval` mode on the CPU; `checkpoint` is `best` or `last`.

    Nothing in the folder is executed: parts are made only of what `conf/` names, the configuration may call no
    resolver, and checkpoints are loaded with `weights_only=True`. `trust`: packages whose parts are made too, such as
    `["mylab"]`. Raises DataError where a file is missing or damaged, ConfigError where the configuration asks for more.
    """
    configuration, summary = read_configuration(Path(folder), trust), read_summary(Path(folder))
    parts = Parts(configuration)
    path = Path(folder) / "checkpoints" / f"{checkpoint}.ckpt"
    saved = read_checkpoint(within(path, Path(folder)))
    if not {"state_dict", "config"} <= saved.keys():
        raise DataError(f"{path} is no checkpoint of a run: it has no state_dict and config")
    weights, built = saved["state_dict"], saved["config"]
    if summary is not None and summary["status"] == "completed" and run_id(built) != summary.get("id"):
        check_identity(Path(folder), summary, configuration)
    channels = built["encoder"].get("channels")  # `match=` has scaled the configured ones
    model: Autoencoder = parts.autoencoder(parts.data.image_shape, channels)
    own = {key.removeprefix(PREFIX): weight for key, weight in weights.items() if key.startswith(PREFIX)}
    if not all(weight.isfinite().all() for weight in own.values()):
        raise DataError(f"{path} holds weights that are no finite numbers: train the run again")
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise DataError(f"{path} holds the weights of another network: {first_line(error)}") from error
    return model.to(memory_format=torch.channels_last).eval()


def load_data(folder: str | Path, trust: Sequence[str] = ()) -> ImageData:
    """The data module of a run folder, with its images read: `pick("test", range(8))` gives a corrupted batch.

    `trust` and errors as of `load_run`.
    """
    data: ImageData = Parts(read_configuration(Path(folder), trust)).data
    data.setup()
    return data


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint as plain values and tensors on the CPU; raises DataError where it is missing or damaged."""
    check_checkpoint(path)
    with _damage_named(path):
        return torch.load(path, map_location="cpu", weights_only=True)


def check_checkpoint(path: Path) -> None:
    """Raise DataError where a checkpoint is missing, or its archive damaged; the values in it are not looked at."""
    if not path.exists():
        raise DataError(f"{path} does not exist: the run has not saved it (yet), see summary.json beside checkpoints/")
    if not path.is_file():
        raise DataError(f"{path} is no regular file: nothing was read")
    with _damage_named(path):
        _check_archive(path)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, EOFError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        reason = first_line(error)
        raise DataError(f"{path} cannot be read ({reason}): it was damaged after it was written") from error


def _check_archive(path: Path) -> None:
    """Raise BadZipFile unless the file is what `torch.save` writes: stored without compression, with sums that match.

    A compressed member may unpack to a thousand times its size, and torch itself does not look at the sums.
    """
    with zipfile.ZipFile(path) as archive:
        packed = [one.filename for one in archive.infolist() if one.compress_type != zipfile.ZIP_STORED]
        if packed or sum(one.file_size for one in archive.infolist()) > path.stat().st_size:
            raise zipfile.BadZipFile("it unpacks to more than it holds")
        if (damaged := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"the sum of {damaged} does not match")
