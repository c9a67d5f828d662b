"""LPIPS, the distance of two images as a trained network sees them: Zhang et al. 2018, in the form of Ghildyal & Liu
2022, whose VGG-16 blurs before it strides and so tolerates small shifts.

The weights are a file of the package `stlpips-pytorch` (BSD-2-Clause), which is read; no code of it is run. The AlexNet
that lies beside it is blind to a grid of stride 2.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.errors import ConfigError
from hourglass.core.types import Shape

PACKAGE = "stlpips-pytorch"
WEIGHTS = "stlpips_pytorch/weights/vST0.0/vgg_shift_tolerant.pth"
SHA256 = "44597da68f49c1837c100ff52299050f274d102eb102e5837178c79be6f0e250"
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of the convolutions of each stage; between two stages the grid is halved."""
LEAST_SIDE = 18
"""Pixels: with fewer the last stage would have nothing to reflect."""


class Blur(nn.Module):
    """The largest of 2x2 pixels at every place, then [1, 2, 1] in both directions at every second one."""

    filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("filter", torch.outer(taps, taps)[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H//2 + 1, W//2 + 1)"""
        padded = F.pad(F.max_pool2d(x, 2, stride=1), (2, 2, 2, 2), mode="reflect")
        return F.conv2d(padded, self.filter.expand(x.shape[1], -1, -1, -1), stride=2, groups=x.shape[1])


class PerceptualDistance(nn.Module):
    """`distance(pixels, target)` -> (N,), 0 where they are equal, for (N, 1 or 3, H, W) in [0, 1] of 18 pixels or more.

    The squared distance of the features of each stage, of unit length over the channels at every place, weighted by
    what was learned from people's judgements, mean over the places, summed over the stages. Frozen. Raises ConfigError
    for other images, and where the package of the weights is not installed or is another version.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        weights = read_weights()
        self.stages, self.judges = nn.ModuleList(), nn.ParameterList()
        channels, place = 3, 0  # `place`: the layers in front, by which the file names a convolution
        for stage, widths in enumerate(STAGES):
            layers: list[nn.Module] = [Blur()] if stage else []
            place += 2 * len(layers)
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                named = f"net.slice{stage + 1}.{place}."
                layers[-2].load_state_dict({name: weights[named + name] for name in ("weight", "bias")})
                channels, place = width, place + 2
            self.stages.append(nn.Sequential(*layers))
            self.judges.append(nn.Parameter(weights[f"lin{stage}.model.1.weight"]))
        for name in ("shift", "scale"):
            self.register_buffer(name, weights[f"scaling_layer.{name}"], persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, pixels: Tensor, target: Tensor) -> Tensor:
        check_shape(tuple(target.shape[1:]))
        distance = pixels.new_zeros(len(pixels))
        x, y = (
            (2 * images - 1 - self.shift) / self.scale for images in (pixels, target)
        )  # grey becomes three channels
        for stage, judge in zip(self.stages, self.judges, strict=True):
            x, y = stage(x), stage(y)
            difference = F.normalize(x, dim=1, eps=1e-10) - F.normalize(y, dim=1, eps=1e-10)
            distance = distance + F.conv2d(difference.square(), judge).flatten(1).mean(1)
        return distance


def check_shape(image_shape: Shape) -> None:
    """Raise ConfigError for images that the network cannot see."""
    channels, *sides = image_shape
    if channels not in (1, 3) or min(sides) < LEAST_SIDE:
        raise ConfigError(
            f"LPIPS takes grey or RGB images of {LEAST_SIDE} pixels or more, and these are {channels} channels of "
            f"{sides[0]}×{sides[1]}: leave it out for them"
        )


def read_weights() -> dict[str, Tensor]:
    """The file of the package, read as tensors and nothing else, after its digest was compared."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(WEIGHTS)))
    except PackageNotFoundError:
        raise ConfigError("LPIPS needs a package more, its weights: pip install 'hourglass[perceptual]'") from None
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise ConfigError(
            f"{path} is missing or not that of {PACKAGE} 0.0.2: pip install 'hourglass[perceptual]' again"
        )
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
