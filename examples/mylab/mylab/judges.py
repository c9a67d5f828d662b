import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from hourglass.metrics import Measure
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


class EdgeError(MeanMetric):
    """Mean squared error of the differences between neighbouring pixels."""

    measure = Measure("edge error", "Squared error of the step to the next pixel.", better="lower", per_image=True)

    def __init__(self, image_shape: tuple[int, ...]) -> None:
        super().__init__()

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:
        error = pixels - target
        steps = (error.diff(dim=axis).square().flatten(1).mean(1) for axis in (2, 3))
        super().update(sum(steps) / 2)
