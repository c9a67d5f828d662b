"""`best.ckpt` and `last.ckpt`, which are whole or not there, wherever the run folder lies."""

from pathlib import Path
from typing import Any, Literal

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from hourglass.core.files import replacing, unwritable


def checkpoint_path(folder: Path, name: Literal["best", "last"]) -> Path:
    """Where the run in `folder` keeps it."""
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

    Lightning's own goes through `$TMPDIR`, which is atomic only where that lies on the same file system.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Raises StorageError where the disk is full, or the file cannot be written for another reason."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with replacing(target, durable=True) as partial, partial.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:  # torch turns some errors of the disk into a RuntimeError
            raise unwritable(target, error) from error
