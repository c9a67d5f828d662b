"""Batches: which images make one, in which order, and what it holds on its way to the model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from hourglass.core.errors import DataError
from hourglass.data import noise

Split = Literal["train", "val", "test"]
CHUNK, MOST_MAPPED = 1000, 2**24
"""Images that are read at once, and bytes fetched from a mapped file before its memory is given back, of which the
kernel maps several times as many"""
SHARE = 4
"""How many times the memory of the images must be free on the device that keeps them"""


class RawBatch(NamedTuple):
    """A batch as it leaves the data loader, before any arithmetic."""

    images: Tensor
    """(N, C, H, W) uint8"""
    position: Tensor
    """(N,) int64, of each image in its split"""
    inputs: Tensor | None = None
    """Like the images: what the model is given in their place, where the data set has pairs"""

    def to(self, device: torch.device | str) -> "RawBatch":
        inputs = None if self.inputs is None else self.inputs.to(device, non_blocking=True)
        return RawBatch(self.images.to(device, non_blocking=True), self.position.to(device, non_blocking=True), inputs)


@dataclass(eq=False)
class Batch:
    """A batch as the model sees it."""

    input: Tensor
    """(N, C, H, W) float, the corrupted target; a corruption that does not clip leaves [0, 1]"""
    target: Tensor
    """(N, C, H, W) float in [0, 1]"""
    position: Tensor
    """(N,) int64, of each image in its split"""
    seed: int
    """Of this split and epoch"""
    mask_of: Callable[[Tensor, Tensor], Tensor] | None = None
    """The `mask` of the corruption, where it has one"""

    @cached_property
    def key(self) -> Tensor:
        """(N,) int64, a function of (seed, split, epoch, image): the key of everything random about this image."""
        return noise.keys(self.seed, self.position)

    @cached_property
    def mask(self) -> Tensor | None:
        """(N, 1 or C, H, W) bool: which pixels of the input the corruption removed; None where it names none."""
        return None if self.mask_of is None else self.mask_of(self.target, self.key)

    def __len__(self) -> int:
        return len(self.target)


class Images(Dataset[RawBatch]):
    """All images of a split, in memory or mapped from a file, fetched a batch at a time: no per-item Python.

    `rows`: which of `images` and `inputs`, and in which order, make the split; None: all.
    """

    def __init__(
        self,
        images: Tensor,
        *,
        rows: Tensor | None = None,
        inputs: Tensor | None = None,
        labels: Tensor | None = None,
        names: Sequence[str] | None = None,
        factors: Mapping[str, Tensor] | None = None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._images, self._inputs, self._rows = images, inputs, rows
        self.labels, self.names, self.factors = labels, names, dict(factors or {})
        self.release = release
        self._mapped = 0  # bytes fetched since the last release

    @property
    def images(self) -> Tensor:
        """(N, C, H, W) uint8; a copy where they are some of others."""
        return self._images if self._rows is None else self._images[self._rows]

    @property
    def has_inputs(self) -> bool:
        return self._inputs is not None

    def __len__(self) -> int:
        return len(self._images if self._rows is None else self._rows)

    def __getitem__(self, i: int) -> RawBatch:
        return self.__getitems__([i])

    def __getitems__(self, indices: Sequence[int] | Tensor) -> RawBatch:
        position = torch.as_tensor(indices)
        at = position if self._rows is None else self._rows[position]
        images = self._images.index_select(0, at)
        inputs = None if self._inputs is None else self._inputs.index_select(0, at)
        self._count(images.numel())
        return RawBatch(images, position, inputs)

    def chunks(self, *, with_inputs: bool = False) -> Iterator[Tensor]:
        """The images in order, some (N, C, H, W) at a time; then, where that is wished, the inputs likewise."""
        for images in (self._images, self._inputs if with_inputs else None):
            if images is None:
                continue
            for chunk in (
                images.split(CHUNK) if self._rows is None else map(images.__getitem__, self._rows.split(CHUNK))
            ):
                yield chunk
                self._count(chunk.numel())

    def fit_on(self, device: torch.device) -> bool:
        """Do the images, and their inputs, take at most a quarter of what is free on the device?"""
        needed = len(self) * self._images[0].numel() * (1 + self.has_inputs)
        return SHARE * needed <= free_bytes(device)

    def copied_to(self, device: torch.device) -> "Images":
        """The split alone, without labels and names, in the memory of a device; read a chunk at a time."""
        count = len(self) * (1 + self.has_inputs)
        everything = torch.empty((count, *self._images.shape[1:]), dtype=torch.uint8, device=device)
        at = 0
        for chunk in self.chunks(with_inputs=True):
            everything[at : at + len(chunk)] = chunk
            at += len(chunk)
        images, *inputs = everything.split(len(self))
        return Images(images, inputs=inputs[0] if inputs else None)

    def _count(self, fetched: int) -> None:
        """Memory stays flat however large the mapped file is: what was read is given back from time to time."""
        self._mapped += fetched
        if self.release is not None and self._mapped > MOST_MAPPED:
            self.release()
            self._mapped = 0


class Positions(Dataset[Tensor]):
    """A split of which a batch is only where its images are in it, (N,) int64: they lie on the device already."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Tensor:
        return self.__getitems__([i])

    def __getitems__(self, indices: Sequence[int]) -> Tensor:
        return torch.as_tensor(indices)


def free_bytes(device: torch.device) -> int:
    """Memory of a GPU that nobody uses; 0 elsewhere, where images that move would come no nearer."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


class TrainBatches(Sampler[list[int]]):
    """Shuffled batches, a pure function of (seed, epoch); each rank takes its share of every global batch.

    `position` returns the epoch and the first batch, not 0 where a run is resumed. The images beyond the last whole
    batch are left out, different ones in each epoch.
    """

    def __init__(
        self, n: int, batch_size: int, seed: int, position: Callable[[], tuple[int, int]], rank: int = 0, ranks: int = 1
    ) -> None:
        self.n, self.batch_size, self.seed, self.position = n, batch_size, seed, position
        self.rank, self.ranks = rank, ranks

    def __len__(self) -> int:
        return self.n // self.batch_size

    def __iter__(self) -> Iterator[list[int]]:
        epoch, first = self.position()
        generator = torch.Generator().manual_seed(noise.seed_of("order", self.seed, epoch))
        order = torch.randperm(self.n, generator=generator)[: len(self) * self.batch_size]
        return iter(order.view(len(self), -1)[first:, self.rank :: self.ranks].tolist())


class EvalBatches(Sampler[list[int]]):
    """Every image once over all ranks, in equally many batches on each rank, so that none waits for another."""

    def __init__(self, n: int, batch_size: int, rank: int = 0, ranks: int = 1) -> None:
        if n < ranks:
            raise DataError(f"a split has {n} images for {ranks} devices: use more images")
        rounds = min(-(-n // batch_size), n // ranks)  # no batch is empty on any rank
        self.batches = torch.arange(rank, n, ranks).tensor_split(rounds)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(batch.tolist() for batch in self.batches)
