"""Augmentations: images (N, C, H, W) and one key per image -> others of the same shape that are as likely.

Like a corruption, an augmentation is a pure function of (images, key), applied to a whole batch at once on the device
where it lies; the key holds seed, epoch and image, so that what is trained on depends neither on the batch nor on where
a run was interrupted. Training images are augmented, before they are corrupted; in pairs both get the same.
"""

import torch
from torch import Tensor

from hourglass.core.errors import ConfigError
from hourglass.core.types import Size
from hourglass.data import noise


class NoAugmentation:
    """x"""

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x


class Moves:
    """Moves pixels and changes none, each independently: the mirror image, a shift, a rotation.

    `flip`: left and right are exchanged with probability ½. `shift`: by up to so many pixels each way, uniformly; what
    comes in at the border is the image's mirror image (a crop of the padded image, as for CIFAR: He et al. 2016).
    `rotate90`: by 0, 90, 180 or 270 degrees, uniformly; of square images only.
    """

    def __init__(self, *, flip: bool, shift: Size, rotate90: bool) -> None:
        self.flip, self.shift, self.rotate90 = flip, shift, rotate90

    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if self.shift >= min(height, width):
            raise ConfigError(f"augmentation.shift={self.shift} leaves nothing of images of {height}×{width}: use less")
        if self.rotate90 and height != width:
            raise ConfigError(f"augmentation.rotate90 turns square images, and these are {height}×{width}: use false")
        u = noise.uniform(key, (4,), "augmentation")
        rows = self._shifted(height, u[:, 0])[:, :, None]  # (N, H, 1)
        columns = self._shifted(width, u[:, 1])[:, None, :]  # (N, 1, W)
        if self.flip:
            columns = torch.where(u[:, 2, None, None] < 0.5, columns.flip(2), columns)
        at = (rows * width + columns).flatten(1)  # (N, H·W), where each pixel comes from
        if self.rotate90:
            turns = (u[:, 3] * 4).long()
            square = at.unflatten(1, (height, width))
            at = torch.stack([square.rot90(k, (1, 2)) for k in range(4)])[turns, torch.arange(len(x), device=x.device)]
            at = at.flatten(1)
        moved = x.flatten(2).gather(2, at[:, None].expand(-1, x.shape[1], -1)).view(x.shape)
        return moved.contiguous(memory_format=torch.channels_last)

    def _shifted(self, n: int, u: Tensor) -> Tensor:
        """(N, n), the rows or columns after a shift, reflected at the border (which is not repeated)."""
        offset = (u * (2 * self.shift + 1)).long() - self.shift
        at = (torch.arange(n, device=u.device) + offset[:, None]).abs()
        return torch.where(at >= n, 2 * (n - 1) - at, at)
