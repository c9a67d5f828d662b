import torch.nn.functional as F
from torch import Tensor, nn


class SoftPool(nn.Module):
    """y = Σ e^x·x / Σ e^x over s×s pixels, x = act(conv3(input)). Size: ⌈n/s⌉. Side information: none."""

    index_kind = None

    def __init__(self, in_channels: int, out_channels: int, activation: nn.Module, *, factor: int, init: str) -> None:
        super().__init__()
        self.factor = factor
        self.conv, self.activation = nn.Conv2d(in_channels, out_channels, 3, padding=1), activation

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        x = self.activation(self.conv(x))
        weight = (x - x.amax((2, 3), keepdim=True)).exp()
        pooled, total = (F.avg_pool2d(part, self.factor, ceil_mode=True) for part in (weight * x, weight))
        return pooled / total, None
