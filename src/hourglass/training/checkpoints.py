"""`best.ckpt`, `last.ckpt` and the one before it, which are whole or not there, wherever the run folder lies."""

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from hourglass.core.errors import DataError
from hourglass.core.files import replacing, unwritable
from hourglass.core.text import first_line

PREFIX = "autoencoder."
"""Of the autoencoder's weights in a checkpoint of the training module."""


def checkpoint_path(folder: Path, name: Literal["best", "last", "previous"]) -> Path:
    """Where the run in `folder` keeps it. `previous` was `last` until that was saved again."""
    return folder / "checkpoints" / f"{name}.ckpt"


class BestCheckpoint(ModelCheckpoint):
    """Lightning's, of the least validation loss; it remembers the score also where the run folder has been moved."""

    def __init__(self, folder: Path) -> None:
        path = checkpoint_path(folder, "best")
        super().__init__(path.parent, filename=path.stem, monitor="val/loss", enable_version_counter=False)

    @property
    def state_key(self) -> str:
        return "hourglass.best_checkpoint"

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        old, new = state_dict["dirpath"], str(self.dirpath)
        super().load_state_dict({key: _moved(value, old, new) for key, value in state_dict.items()})


def _moved(value: Any, old: str, new: str) -> Any:
    """`value` with the paths below `old` in it, alone or as keys of a dict, now below `new`."""
    if isinstance(value, dict):
        return {_moved(key, old, new): inner for key, inner in value.items()}
    return new + value.removeprefix(old) if isinstance(value, str) and value.startswith(old) else value


class DurableCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, syncs to disk, renames: a reader finds the old file or the new one, never half of one.

    What was `last.ckpt` becomes `previous.ckpt`.
    Lightning's own goes through `$TMPDIR`, which is atomic only where that lies on the same file system.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Raises StorageError where the disk is full, or the file cannot be written for another reason."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with replacing(target, durable=True) as partial:
                with partial.open("wb") as file:
                    torch.save(checkpoint, file)
                if target.stem == "last" and target.exists():
                    os.replace(target, target.with_stem("previous"))
        except (OSError, RuntimeError) as error:  # torch turns some errors of the disk into a RuntimeError
            raise unwritable(target, error) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint as plain values and tensors on the CPU.

    Raises DataError where it is missing or damaged, or its weights are no finite numbers.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist: the run has not saved it (yet), see summary.json beside checkpoints/")
    if not path.is_file():
        raise DataError(f"{path} is no regular file: nothing was read")
    try:
        _check_archive(path)
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        reason = first_line(error)
        raise DataError(f"{path} cannot be read ({reason}): it was damaged after it was written") from error
    if not (isinstance(saved, dict) and {"state_dict", "config"} <= saved.keys()):
        raise DataError(f"{path} is no checkpoint of a run: it has no state_dict and config")
    if not all(isinstance(one, torch.Tensor) and _is_stored(one) for one in saved["state_dict"].values()):
        raise DataError(f"{path} is no checkpoint of a run: its state_dict holds more, or other things, than is stored")
    if not all(one.isfinite().all() for one in saved["state_dict"].values()):
        raise DataError(f"{path} holds weights that are no finite numbers: train the run again")
    return saved


def _is_stored(tensor: torch.Tensor) -> bool:
    """Has it no more values than lie in its storage? An expanded one of a few bytes may have billions."""
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def load_weights(model: torch.nn.Module, saved: Mapping[str, Any], path: Path, *, on_trial: bool = False) -> None:
    """Give the autoencoder `model` the weights of a checkpoint; raises DataError where they are another network's.

    `on_trial`: only look whether they would fit, into a model on the device `meta`, which takes no memory.
    """
    own = {key.removeprefix(PREFIX): weight for key, weight in saved["state_dict"].items() if key.startswith(PREFIX)}
    if on_trial:
        own = {key: weight.to("meta") for key, weight in own.items()}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise DataError(f"{path} holds the weights of another network: {first_line(error)}") from error


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
