"""Where the parts run, and the sizes they have."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda", 0) if GPU else torch.device("cpu")
HERE = "trainer=gpu" if GPU else "trainer=cpu"
QUIET = ("logger=none", "baselines=null", "report=false", "trainer.enable_progress_bar=false")
WARM_UP = 5
"""Steps before anything is timed or watched: the first choose algorithms and get memory"""
SMALL = (
    "channels=[4]", "trainer.limit_train_batches=12", "trainer.max_epochs=2", "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1", "callbacks.checkerboards.images=8", "callbacks.health.images=8",
    "callbacks.image_grids.count=1",
)  # fmt: skip


class NeedsGpu(Exception):
    """This cannot be rehearsed."""


@dataclass(frozen=True)
class Sizes:
    small: bool
    seconds: float
    folder: Path

    @property
    def short(self) -> tuple[str, ...]:
        return SMALL if self.small else ()

    @property
    def networks(self) -> dict[str, tuple[tuple[int, ...], tuple[str, ...]]]:
        """Name -> shape of the images, overrides."""
        if self.small:
            return {"8×8×1": ((1, 8, 8), ("channels=[4]",))}
        return {
            "28×28×1, channels 16, 32": ((1, 28, 28), ("channels=[16,32]",)),
            "64×64×3, channels 64, 128, 256, blocks 2": ((3, 64, 64), ("channels=[64,128,256]", "blocks=2")),
        }


def finished() -> float:
    """The time at which the device has done all it was given."""
    if GPU:
        torch.cuda.synchronize()
    return time.perf_counter()
