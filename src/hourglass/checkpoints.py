"""Checkpoints that are whole or not there."""

import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from hourglass.errors import CheckpointError
from hourglass.files import replacing


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
            free = shutil.disk_usage(target.parent).free
            raise CheckpointError(
                f"{target} cannot be written ({error}); {free / 1e6:,.1f} MB are free there. The checkpoint before it "
                "is whole: make space, then continue the run"
            ) from error
