"""The operators: one mechanism a file, its way down and its way up together.

A `Down` is called as `y, index = down(x)`: (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)). The activation stands where
the field puts it: behind the convolution, before a pooling. `index_kind` says what `index` holds; None where nothing
travels beside the code. `index_bits(shape)` counts that information for an output of shape (Co, h, w), per image.

An `Up` is called as `x = up(y, size, index)`: (N, Ci, h, w) -> (N, Co, *size). It makes h·s × w·s pixels and crops
bottom and right to exactly `size`. There is no activation inside. `needs_index` says what it wants from the encoder.
"""

from hourglass.nn.operators.blur import BlurPool, Fir, MaxBlurPool, Smooth
from hourglass.nn.operators.dynamic import Carafe, DySample
from hourglass.nn.operators.haar import HaarDown, HaarUp
from hourglass.nn.operators.pixel_shuffle import ResidualDown, ResidualUp, SpaceToDepth, Subpixel
from hourglass.nn.operators.polyphase import PolyphaseDown, PolyphaseUp
from hourglass.nn.operators.pooling import AvgPool, LpPool, MaxPool, MaxUnpool, Nearest
from hourglass.nn.operators.resize import AntialiasResize, BilinearAdditive, Resize
from hourglass.nn.operators.strided import BedOfNails, Strided, Subsample, Transpose

__all__ = [
    "AntialiasResize", "AvgPool", "BedOfNails", "BilinearAdditive", "BlurPool", "Carafe", "DySample", "Fir", "HaarDown",
    "HaarUp", "LpPool", "MaxBlurPool", "MaxPool", "MaxUnpool", "Nearest", "PolyphaseDown", "PolyphaseUp",
    "ResidualDown", "ResidualUp", "Resize", "Smooth", "SpaceToDepth", "Strided", "Subpixel", "Subsample", "Transpose",
]  # fmt: skip
