import torch
from torch import Tensor, nn

from hourglass.nn import Judged, Reconstruction


class Perceptual(nn.Module):
    """Σ (pixel - target)² + weight · Σ (feature - its target)², of a frozen network, here one of random filters."""

    nats = False

    def __init__(self, *, weight: float) -> None:
        super().__init__()
        self.weight = weight
        self.network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU()).requires_grad_(False)
        generator = torch.Generator().manual_seed(0)  # the same weights in every process
        for parameter in self.network.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Judged:
        grey, wanted = (images.mean(1, keepdim=True) for images in (reconstruction.pixels, target))
        features = (self.network(grey) - self.network(wanted)).square().flatten(1).sum(1)
        pixels = (reconstruction.pixels - target).square().flatten(1).sum(1)
        return Judged(pixels + self.weight * features, {"features": features.mean()})
