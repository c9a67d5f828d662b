"""Checkpoints that are whole or not there, wherever the run folder lies."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from hourglass.core.files import replacing, unwritable


class BestCheckpoint(ModelCheckpoint):
    """Lightning's, which remembers the best score also where the run folder has been moved or is named otherwise."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        was, now = state_dict["dirpath"], self.dirpath
        moved = {key: _moved(value, was, now) for key, value in state_dict.items()}
        super().load_state_dict(moved)


def _moved(value: Any, was: str, now: Any) -> Any:
    """Paths below `was`, alone or as keys, to where they lie below `now`."""
    if isinstance(value, dict):
        return {_moved(key, was, now): inner for key, inner in value.items()}
    return str(now) + value.removeprefix(was) if isinstance(value, str) and value.startswith(was) else value


class DurableCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, syncs to disk, renames: a reader finds the old file or the new one, never half of one.

    Lightning's own goes through `$TMPDIR`, which is atomic only where that lies on the same file system.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with replacing(target, durable=True) as path, path.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:  # torch turns some errors of the disk into a RuntimeError
            raise unwritable(target, error) from error
