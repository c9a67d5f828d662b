import torch.nn.functional as F
from torch import Tensor, nn


class BicubicUp(nn.Module):
    """x = conv_k(bicubic(y)). Size: n·s, cropped. Side information: none."""

    needs_index = None

    def __init__(self, in_channels: int, out_channels: int, *, factor: int, init: str, kernel_size: int) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding="same")

    def forward(self, y: Tensor, size: tuple[int, int], index: Tensor | None = None) -> Tensor:
        big = F.interpolate(y, scale_factor=self.factor, mode="bicubic")  # (N, Ci, h·s, w·s)
        return self.conv(big)[..., : size[0], : size[1]]
