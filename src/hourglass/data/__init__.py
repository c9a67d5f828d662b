"""Images: their sources, how they are split, batched and corrupted, and how they are read and shown."""

from hourglass.data.augmentation import Moves, NoAugmentation
from hourglass.data.batches import Batch, Split
from hourglass.data.corruption import Block, Gaussian, Masking, NoCorruption, Patches, SaltAndPepper, Speckle
from hourglass.data.datamodule import ImageData
from hourglass.data.sources import (
    CelebA,
    Emoji,
    Mnist5k,
    Photos,
    PictureFolder,
    PicturePairs,
    Synthetic,
    Torchvision,
)
from hourglass.data.splits import Source, Splits

__all__ = [
    "Batch", "Block", "CelebA", "Emoji", "Gaussian", "ImageData", "Masking", "Mnist5k", "Moves", "NoAugmentation",
    "NoCorruption", "Patches", "Photos", "PictureFolder", "PicturePairs", "SaltAndPepper", "Source", "Speckle", "Split",
    "Splits", "Synthetic", "Torchvision",
]  # fmt: skip
