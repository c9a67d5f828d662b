"""Images: their sources, how they are split, batched and corrupted, and how they are read and shown."""

from hourglass.data.batches import Batch, Split
from hourglass.data.corruption import Block, Gaussian, Masking, NoCorruption, SaltAndPepper, Speckle
from hourglass.data.datamodule import ImageData, Source
from hourglass.data.sources import CelebA, Mnist5k, Splits, Synthetic, Torchvision

__all__ = [
    "Batch", "Block", "CelebA", "Gaussian", "ImageData", "Masking", "Mnist5k", "NoCorruption", "SaltAndPepper",
    "Source", "Speckle", "Split", "Splits", "Synthetic", "Torchvision",
]  # fmt: skip
