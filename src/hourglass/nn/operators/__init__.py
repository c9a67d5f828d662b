"""The operators: one mechanism per file, its ways down first, then its ways up.

A `Down` is called as `y, index = down(x)`: (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)). Its activation stands where
the literature has it: after the convolution, before a pooling. `index_kind` says what `index` holds; None: nothing
travels beside the code. `index_bits(shape)` is the size of that information for an output (Co, h, w), per image.

An `Up` is called as `x = up(y, size, index)`: (N, Ci, h, w) -> (N, Co, *size). It makes h·s × w·s pixels and crops
them at the bottom and right to exactly `size`. It has no activation. `needs_index` says what it needs from the encoder.

Both have an attribute `factor`, s; and where a cheaper form is exactly the same a method `fused()`: see `fused.py`.
Docstrings, which the cards print: a name, a colon and the formula on the first line; then "Size: …", "Side information:
…" and last "Source: …". conv_k is the learned k×k convolution.
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
