import math

import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.nn import CodeSpec, Encoded


class PatchEncoder(nn.Module):
    """code = W·patch + b of every patch of size×size pixels, zeros beyond the image: (N, dim, ⌈H/size⌉, ⌈W/size⌉)."""

    index_bits = 0.0

    def __init__(self, image_shape: tuple[int, ...], *, size: int, dim: int) -> None:
        super().__init__()
        (channels, height, width), self.factor, self.strides = image_shape, size, (size,)
        rows, columns = math.ceil(height / size), math.ceil(width / size)
        self.spec = CodeSpec(shapes=(image_shape, (dim, rows, columns)), index=None)
        self.beyond = (0, columns * size - width, 0, rows * size - height)
        self.conv = nn.Conv2d(channels, dim, size, stride=size)

    def forward(self, images: Tensor) -> Encoded:
        return Encoded(self.conv(F.pad(images, self.beyond)), (None,))


class PatchDecoder(nn.Module):
    """A patch for every place of the code, side by side, cropped to the image."""

    needs_index = None

    def __init__(self, spec: CodeSpec) -> None:
        super().__init__()
        (channels, self.height, self.width), (dim, rows, _) = spec.image_shape, spec.code_shape
        size = math.ceil(self.height / rows)
        self.conv = nn.ConvTranspose2d(dim, channels, size, stride=size)

    def forward(self, encoded: Encoded) -> Tensor:
        return self.conv(encoded.code)[..., : self.height, : self.width]
