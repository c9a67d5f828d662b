"""The data module: splits, whole batches, and corruption on the device that trains."""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from hourglass.core import signals
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.types import Count, Shape, Size
from hourglass.data import noise
from hourglass.data.augmentation import NoAugmentation
from hourglass.data.batches import Batch, EvalBatches, Images, Positions, RawBatch, Split, TrainBatches
from hourglass.data.corruption import NoCorruption
from hourglass.data.sources.idx import idx_checksum
from hourglass.data.splits import Source, Splits, split_off


class ImageData(LightningDataModule):
    """The images of one source, split, batched and corrupted.

    `batch_size` counts the images of one optimizer step over all devices, so that results do not depend on how many
    there are. Where the source has no validation split, `val_size` images are split off its training images by `seed`;
    its test images are never touched. The constructor reads nothing; `setup` does, once. `checksums`: of the images
    that the source must give, see `hourglass.config.checksums`. Raises DataError where it gives others, or a split
    cannot fill a batch. `device`: `auto`, the images that are trained on are kept in the memory of the GPU that trains,
    where they take at most a quarter of what is free there; `cpu`, batches are copied to it.
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
        device: Literal["auto", "cpu"] = "auto",
        augmentation: Callable[[Tensor, Tensor], Tensor] | None = None,
        checksums: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.checksums = checksums or {}
        self.source, self.corruption, self.augmentation = source, corruption, augmentation
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.val_size, self.num_workers, self.seed, self.device = val_size, num_workers, seed, device
        if augmentation is not None:  # one that cannot be used on these images says so before they are read
            augmentation(torch.zeros(1, *source.image_shape), torch.zeros(1, dtype=torch.long))
        self.images: dict[str, Images] = {}
        self.on_device: Images | None = None
        """The training images once more, where they have moved to the device that trains"""
        self.classes: tuple[str, ...] = ()
        """Names of the labels, where the data set has labels."""
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
                splits = Splits(*getattr(self.source, "load_test", self.source.load)())
                self._check({"test": splits.test})
                self._take(splits, ("test",))
            return
        if "train" in self.images:
            return
        splits = Splits(*self.source.load())
        self._check({"train": splits.train, "test": splits.test})
        splits = split_off(splits, self.val_size, self.seed)
        count = len(splits.rows.get("train", splits.train))
        if 0 < count < self.batch_size:
            raise DataError(f"{count} training images are fewer than one batch: use data.batch_size={count} or less")
        self._take(splits, ("train", "val", "test"))

    def _take(self, splits: Splits, names: Sequence[Split]) -> None:
        self.classes = tuple(splits.classes)
        for name in names:
            images: Tensor = getattr(splits, name)
            inputs, labels, rows = splits.inputs.get(name), splits.labels.get(name), splits.rows.get(name)
            if len(images) == 0:
                raise DataError(f"the {name} split is empty")
            for part in (images,) if inputs is None else (images, inputs):
                if tuple(part.shape[1:]) != tuple(self.image_shape) or part.dtype != torch.uint8:
                    raise DataError(
                        f"the {name} images are {part.dtype} {tuple(part.shape[1:])}, expected uint8 {self.image_shape}"
                    )
            count, names_of = len(images if rows is None else rows), splits.names.get(name)
            factors = splits.factors.get(name, {})
            for what, there, expected in (
                ("inputs", inputs, len(images)), ("labels", labels, count), ("names", names_of, count),
                *((f"values of {factor}", values, count) for factor, values in factors.items()),
            ):  # fmt: skip
                if there is not None and len(there) != expected:
                    raise DataError(f"{len(there)} {what} for {expected} {name} images: give as many")
            if inputs is not None and not isinstance(self.corruption, NoCorruption):
                raise ConfigError("this data set has corrupted images of its own: use corruption=none")
            self.images[name] = Images(
                images, rows=rows, inputs=inputs, labels=labels, names=names_of, factors=factors, release=splits.release
            )

    def _check(self, read: dict[str, Tensor]) -> None:
        """Raise DataError where what was read is not what the configuration says."""
        for half, images in read.items():
            expected = self.checksums.get(half)
            if expected is not None and (there := idx_checksum(images)) != expected:
                raise DataError(
                    f"the {half} images have changed (checksum {expected}, now {there}): put back those of then, or "
                    "start another run"
                )

    def train_dataloader(self) -> DataLoader[Any]:
        n, (rank, ranks) = len(self.images["train"]), self._rank()
        if self.batch_size % ranks:
            raise ConfigError(
                f"data.batch_size={self.batch_size} must be a multiple of the {ranks} devices that share it"
            )

        def position() -> tuple[int, int]:
            return 0 if self.overfits else self.epoch, self.batch

        batches = TrainBatches(n, self.batch_size, self.seed, position, rank, ranks)
        return self._loader(Positions(n) if self._moves() else self.images["train"], batches)

    def val_dataloader(self) -> DataLoader[Any]:
        images = self.images["val"]
        return self._loader(images, EvalBatches(len(images), self.eval_batch_size, *self._rank()))

    def test_dataloader(self) -> DataLoader[Any]:
        images = self.images["test"]
        return self._loader(images, EvalBatches(len(images), self.eval_batch_size, *self._rank()))

    def _moves(self) -> bool:
        """Are the training images to be kept on the device that trains, if they are not there already?"""
        if self.device == "cpu" or self.num_workers or self.trainer is None:
            return False
        return self.on_device is not None or self.images["train"].fit_on(self.trainer.strategy.root_device)

    def _loader(self, images: Dataset[Any], batches: Sampler[list[int]]) -> DataLoader[Any]:
        return DataLoader(
            images,
            batch_sampler=batches,
            collate_fn=_unchanged,
            num_workers=self.num_workers,
            worker_init_fn=_ignore_signals,
            pin_memory=torch.cuda.is_available(),
        )

    def transfer_batch_to_device(self, batch: RawBatch | Tensor, device: torch.device, dataloader_idx: int) -> RawBatch:
        if isinstance(batch, RawBatch):
            return batch.to(device)
        if self.on_device is None:
            self.on_device = self.images["train"].copied_to(device)
        return self.on_device.__getitems__(batch.to(device, non_blocking=True))

    def teardown(self, stage: str) -> None:
        self.on_device = None

    def on_after_batch_transfer(self, batch: RawBatch, dataloader_idx: int) -> Batch:
        trainer = self.trainer
        assert trainer is not None, "the trainer calls this"
        split: Split = "train" if trainer.training else "test" if trainer.testing else "val"
        return self.prepare(batch, split, self.epoch if split == "train" else 0, augmented=split == "train")

    def prepare(self, batch: RawBatch, split: Split, epoch: int = 0, *, augmented: bool = False) -> Batch:
        """Floats in [0, 1], and corrupted as a pure function of (seed, split, epoch, image), on the batch's own device.

        The corruption of validation and test images never changes: use epoch 0. What is trained on is `augmented`, too.
        """
        target, given = _floats(batch.images), None if batch.inputs is None else _floats(batch.inputs)
        made = Batch(target if given is None else given, target, batch.position, noise.seed_of(self.seed, split, epoch))
        if augmented and not isinstance(self.augmentation, NoAugmentation | None):  # its keys take time
            made.target = self.augmentation(target, made.key)
            made.input = made.target if given is None else self.augmentation(given, made.key)
        if given is None and not isinstance(self.corruption, NoCorruption):
            made.input = self.corruption(made.target, made.key)
            made.mask_of = getattr(self.corruption, "mask", None)
        return made

    def pick(self, split: Split, indices: Sequence[int], device: torch.device | str = "cpu") -> Batch:
        """Some images of a split, corrupted as in evaluation; call `setup` first."""
        return self.prepare(self.images[split].__getitems__(indices).to(device), split)

    @property
    def mean(self) -> Tensor:
        """(C,), the mean of the training pixels, in [0, 1]."""
        train = self.images["train"]
        total = torch.stack([part.sum((0, 2, 3), dtype=torch.int64) for part in train.chunks()]).sum(0)
        return total.float() / (255 * len(train) * math.prod(self.image_shape[1:]))

    def fingerprint(self, *splits: Split) -> str:
        """First 8 hexadecimal digits of the SHA-256 of the images of these splits, of all: train, validation, test."""
        digest = hashlib.sha256()
        for name in splits or self.images:
            for chunk in self.images[name].chunks(with_inputs=True):
                digest.update(chunk.contiguous().numpy().data)
        return digest.hexdigest()[:8]

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


def _ignore_signals(worker: int) -> None:
    """A data loader's worker does not stop on its own: it ends with the process that trains."""
    signals.ignore()


def _floats(images: Tensor) -> Tensor:
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255)


def _unchanged(batch: Any) -> Any:
    return batch
