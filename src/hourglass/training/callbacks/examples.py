"""`examples.npz`: the error of every test image, and the images worth looking at, for a report that has no torch."""

from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor

from hourglass.core.files import replacing
from hourglass.core.types import Count
from hourglass.data.batches import Batch
from hourglass.training.lookup import data_of
from hourglass.training.module import AutoencoderModule


class Examples(Callback):
    """Written after the test, with the best weights; numpy only.

    `mse`: (N,) float32, of each test image with pixels in [0, 1]. `index`: (K,) int64, the images kept: the `first` of
    the split, the same in every run; then this run's worst, median and best, `each` of them, by falling error. `each`:
    () int64, fewer than configured where the split is smaller. `input` (maybe corrupted), `target`, `output`:
    (K, C, H, W) uint8, clipped to [0, 1] before.
    """

    def __init__(self, *, first: Count, each: Count) -> None:
        self.first, self.each = first, each

    @torch.no_grad()
    def on_test_epoch_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        if not trainer.is_global_zero:  # a forward without collectives, so the other ranks need not take part
            return
        data = data_of(trainer)

        def reconstruct(indices: list[int]) -> tuple[Batch, Tensor]:
            batch = data.pick("test", indices, module.device)
            with trainer.precision_plugin.forward_context():
                return batch, module.autoencoder(batch.input).float()

        errors = []
        for chunk in torch.arange(len(data.images["test"])).split(data.eval_batch_size):
            batch, output = reconstruct(chunk.tolist())
            errors.append((output - batch.target).square().flatten(1).mean(1).cpu())
        mse = torch.cat(errors)
        index = chosen(mse, self.first, self.each)
        batch, output = reconstruct(index.tolist())
        with replacing(Path(trainer.default_root_dir) / "examples.npz") as path, path.open("wb") as file:
            np.savez_compressed(
                file, mse=mse.numpy(), index=index.numpy(), each=np.int64(min(self.each, len(mse))),
                input=as_bytes(batch.input), target=as_bytes(batch.target), output=as_bytes(output),
            )  # fmt: skip


def chosen(mse: Tensor, first: int, each: int) -> Tensor:
    """(N,) errors -> (K,) positions: the first, the worst, the ones around the median, the best."""
    order, n = mse.argsort(descending=True, stable=True), len(mse)
    each = min(each, n)
    middle = (n - each) // 2
    return torch.cat([torch.arange(min(first, n)), order[:each], order[middle : middle + each], order[n - each :]])


def as_bytes(images: Tensor) -> np.ndarray:
    """[0, 1] -> 0..255, uint8; values outside are clipped."""
    pixels: np.ndarray = images.clamp(0, 1).mul(255).round().byte().cpu().contiguous().numpy()
    return pixels
