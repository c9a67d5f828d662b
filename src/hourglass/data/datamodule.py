"""The data module: splits, whole batches, and corruption on the device that trains."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from hourglass.core import signals
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.types import Count, Shape, Size
from hourglass.data import noise
from hourglass.data.batches import Batch, EvalBatches, Images, RawBatch, Split, TrainBatches
from hourglass.data.sources import Splits, idx_checksum


@runtime_checkable
class Source(Protocol):
    image_shape: Shape

    def load(self) -> Splits: ...


class ImageData(LightningDataModule):
    """The images of one source, split, batched and corrupted.

    `batch_size` counts the images of one optimizer step over all devices, so that results do not depend on how many
    there are. Where the source has no validation split, `val_size` images are split off its training images by `seed`;
    its test images are never touched. The constructor reads nothing; `setup` does, once. `checksums`: of the images
    that the source must give, see `hourglass.config.checksums`. Raises DataError where it gives others, or a split
    cannot fill a batch.
    """

    def __init__(
        self,
        *,
        source: Source,
        corruption: Callable[[Tensor, Tensor], Tensor],
        batch_size: Count,
        eval_batch_size: Count,
        val_size: Count | None,
        num_workers: Size,
        seed: Size,
        checksums: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.checksums = checksums or {}
        self.source, self.corruption = source, corruption
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.val_size, self.num_workers, self.seed = val_size, num_workers, seed
        self.images: dict[str, Images] = {}
        self.overfits = False
        """Is every epoch trained in the order of the first?"""
        self.epoch, self.batch = 0, 0
        """Where training is: the epoch, and how many of its batches are done. Kept in checkpoints."""

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.epoch, self.batch = state_dict["epoch"], state_dict["batch"]

    def advance(self, per_epoch: int) -> None:
        """Count one batch as done, of `per_epoch` in an epoch."""
        self.batch += 1
        if self.batch == per_epoch:
            self.epoch, self.batch = self.epoch + 1, 0

    @property
    def image_shape(self) -> Shape:
        return self.source.image_shape

    def setup(self, stage: str | None = None) -> None:
        """Read the images, unless they are there; for the stage `test` alone a test set alone will do."""
        if stage == "test":
            if "test" not in self.images:
                load_test = getattr(self.source, "load_test", lambda: self.source.load()[2])
                test = load_test()
                self._check({"test": test})
                self._take({"test": test})
            return
        if "train" in self.images:
            return
        train, val, test = self.source.load()
        self._check({"train": train, "test": test})
        if val is None:
            if self.val_size is None or self.val_size >= len(train):
                raise DataError(f"data.val_size={self.val_size} must be less than the {len(train)} images to train on")
            generator = torch.Generator().manual_seed(noise.seed_of("split", self.seed))
            order = torch.randperm(len(train), generator=generator)
            train, val = train[order[self.val_size :]], train[order[: self.val_size]]
        elif self.val_size is not None:
            raise ConfigError("this data set has a validation split of its own: use data.val_size=null")
        if len(train) < self.batch_size:
            raise DataError(
                f"{len(train)} training images are fewer than one batch: use data.batch_size={len(train)} or less"
            )
        self._take({"train": train, "val": val, "test": test})

    def _take(self, splits: dict[str, Tensor]) -> None:
        for name, images in splits.items():
            if len(images) == 0:
                raise DataError(f"the {name} split is empty")
            if tuple(images.shape[1:]) != tuple(self.image_shape) or images.dtype != torch.uint8:
                raise DataError(
                    f"the {name} images are {images.dtype} {tuple(images.shape[1:])}, expected uint8 {self.image_shape}"
                )
            self.images[name] = Images(images)

    def _check(self, read: dict[str, Tensor]) -> None:
        """Raise DataError where what was read is not what the configuration says."""
        for half, images in read.items():
            expected = self.checksums.get(half)
            if expected is not None and (there := idx_checksum(images)) != expected:
                raise DataError(
                    f"the {half} images have changed (checksum {expected}, now {there}): put back those of then, or "
                    "start another run"
                )

    def train_dataloader(self) -> DataLoader[RawBatch]:
        n, (rank, ranks) = len(self.images["train"]), self._rank()
        if self.batch_size % ranks:
            raise ConfigError(
                f"data.batch_size={self.batch_size} must be a multiple of the {ranks} devices that share it"
            )

        def position() -> tuple[int, int]:
            return 0 if self.overfits else self.epoch, self.batch

        return self._loader("train", TrainBatches(n, self.batch_size, self.seed, position, rank, ranks))

    def val_dataloader(self) -> DataLoader[RawBatch]:
        return self._loader("val", EvalBatches(len(self.images["val"]), self.eval_batch_size, *self._rank()))

    def test_dataloader(self) -> DataLoader[RawBatch]:
        return self._loader("test", EvalBatches(len(self.images["test"]), self.eval_batch_size, *self._rank()))

    def _loader(self, split: Split, batches: Sampler[list[int]]) -> DataLoader[RawBatch]:
        return DataLoader(
            self.images[split],
            batch_sampler=batches,
            collate_fn=_unchanged,
            num_workers=self.num_workers,
            worker_init_fn=_ignore_signals,
            pin_memory=torch.cuda.is_available(),
        )

    def transfer_batch_to_device(self, batch: RawBatch, device: torch.device, dataloader_idx: int) -> RawBatch:
        return RawBatch(*(part.to(device, non_blocking=True) for part in batch))

    def on_after_batch_transfer(self, batch: RawBatch, dataloader_idx: int) -> Batch:
        trainer = self.trainer
        assert trainer is not None, "the trainer calls this"
        split: Split = "train" if trainer.training else "test" if trainer.testing else "val"
        return self.prepare(batch, split, self.epoch if split == "train" else 0)

    def prepare(self, batch: RawBatch, split: Split, epoch: int = 0) -> Batch:
        """Floats in [0, 1], and corrupted as a pure function of (seed, split, epoch, image), on the batch's own device.

        The corruption of validation and test images never changes: use epoch 0.
        """
        target = batch.images.float().div_(255)
        key = noise.keys(noise.seed_of(self.seed, split, epoch), batch.position)
        return Batch(self.corruption(target, key), target, key)

    def pick(self, split: Split, indices: Sequence[int], device: torch.device | str = "cpu") -> Batch:
        """Some images of a split, corrupted as in evaluation; call `setup` first."""
        raw = self.images[split].__getitems__(indices)
        return self.prepare(RawBatch(*(part.to(device) for part in raw)), split)

    @property
    def mean(self) -> Tensor:
        """(C,), the mean of the training pixels, in [0, 1]."""
        images = self.images["train"].images
        total = torch.stack([part.sum((0, 2, 3), dtype=torch.int64) for part in images.split(10_000)]).sum(0)
        return total.float() / (255 * images[:, 0].numel())

    def fingerprint(self, *splits: Split) -> str:
        """First 8 hexadecimal digits of the SHA-256 of the images of these splits, of all: train, validation, test."""
        digest = hashlib.sha256()
        for name in splits or self.images:
            digest.update(self.images[name].images.contiguous().numpy().data)
        return digest.hexdigest()[:8]

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


def _ignore_signals(worker: int) -> None:
    """A data loader's worker does not stop on its own: it ends with the process that trains."""
    signals.ignore()


def _unchanged(batch: Any) -> Any:
    return batch
