"""Sources of images: each knows its `image_shape` before any I/O, and its `load()` reads the images: see `Splits`."""

from hourglass.data.sources.embedded import ASSETS, Mnist5k
from hourglass.data.sources.emoji import Emoji
from hourglass.data.sources.folder import PictureFolder
from hourglass.data.sources.idx import idx_checksum, read_idx
from hourglass.data.sources.pairs import PicturePairs
from hourglass.data.sources.photos import Photos
from hourglass.data.sources.synthetic import Synthetic
from hourglass.data.sources.torchvision import CelebA, Torchvision

__all__ = [
    "ASSETS", "CelebA", "Emoji", "Mnist5k", "Photos", "PictureFolder", "PicturePairs", "Synthetic", "Torchvision",
    "idx_checksum", "read_idx",
]  # fmt: skip
