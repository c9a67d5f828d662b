"""Each check finds what is wrong, and says in a sentence what is expected."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass import testing
from hourglass.data import Gaussian, Mnist5k
from hourglass.metrics import MSE, Measure
from hourglass.nn import (
    Coded,
    CodeSpec,
    ConvEncoder,
    DenseLatent,
    Encoded,
    LinearDecoder,
    LinearEncoder,
    NoLatent,
    Reconstruction,
    Resize,
    Strided,
)
from hourglass.testing.expectations import expect
from hourglass.training import L1

DOWN = {"factor": 2, "init": "matched", "kernel_size": 3}
UP = {"factor": 2, "init": "matched", "mode": "nearest", "padding": "zeros"}


class RoundsDown(Strided):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x[..., : x.shape[-2] // 2 * 2, : x.shape[-1] // 2 * 2])


class Drawing(Strided):
    def forward(self, x: Tensor) -> Any:
        return super().forward(F.dropout(x, 0.1))


class Normed(Strided):
    def forward(self, x: Tensor) -> Any:
        y, index = super().forward(x)
        return y - y.mean(0), index


class Idle(Strided):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.idle = nn.Parameter(torch.ones(1))


class Uncropped(Resize):
    def forward(self, y: Tensor, size: tuple[int, int], index: Tensor | None = None) -> Tensor:
        return super().forward(y, (y.shape[-2] * 2, y.shape[-1] * 2), index)


class Halved(Resize):
    def forward(self, y: Tensor, size: tuple[int, int], index: Tensor | None = None) -> Tensor:
        return super().forward(y, size, index).float()


class LyingEncoder(LinearEncoder):
    def __init__(self, image_shape: tuple[int, ...]) -> None:
        super().__init__(image_shape, dim=8, activation="relu")
        self.spec = CodeSpec((image_shape, (9,)), None)


class FlatDecoder(LinearDecoder):
    def forward(self, encoded: Encoded) -> Tensor:
        return super().forward(encoded).flatten(1)


class Reshaping(NoLatent):
    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        return super().forward(code)._replace(code=code.flatten(1)[:, :5])


class Moody(NoLatent):
    def forward(self, code: Tensor, noise: Tensor | None = None) -> Coded:
        return super().forward(code)._replace(logs={"x": code.mean()} if self.training else {})


class Unmeasured(NoLatent):
    def __init__(self, spec: CodeSpec) -> None:
        super().__init__(spec)
        self.code_bits = None


class Flattening(NoLatent):
    def project(self, bottleneck: Tensor) -> Tensor:
        return bottleneck.flatten(1)[:, 1:]


class Prior(NoLatent):
    def sample(self, noise: Tensor) -> Tensor:
        return noise


class Chance:
    image_shape = (1, 8, 8)

    def load(self) -> Any:
        return torch.from_numpy(np.random.randint(0, 255, (3, 4, 1, 8, 8), dtype=np.uint8))


class Floats(Mnist5k):
    def load(self) -> Any:
        splits = super().load()
        return splits._replace(train=splits.train.float())


class Global(Gaussian):
    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x + torch.randn_like(x)


class ByPosition(Gaussian):
    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x + torch.arange(len(x)).view(-1, 1, 1, 1)


class InPlace(Gaussian):
    def __call__(self, x: Tensor, key: Tensor) -> Tensor:
        return x.mul_(0.5)


class Mean(nn.Module):
    nats = False

    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        return (reconstruction.pixels - target).square().mean()


class Contrastive(L1):
    def forward(self, reconstruction: Reconstruction, target: Tensor) -> Tensor:
        values = super().forward(reconstruction, target)
        return values / values.mean()


class RandomFrozen(L1):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(3, 3).requires_grad_(False)


class LastBatch(MSE):
    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:
        self.reset()
        super().update(pixels, target, input)


class NotPerImage(MSE):
    measure: ClassVar[Measure] = Measure("root", better="lower", per_image=True)

    def compute(self) -> Tensor:
        return super().compute().sqrt()


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (lambda: testing.check_down(partial(RoundsDown, **DOWN)), "a Down rounds up: "),
        (lambda: testing.check_down(partial(Drawing, **DOWN)), "a Down draws from torch's global generator"),
        (lambda: testing.check_down(partial(Normed, **DOWN)), "a Down gives another result for an image beside other"),
        (lambda: testing.check_down(partial(Idle, **DOWN)), "no gradient of a Down reaches idle"),
        (lambda: testing.check_down(partial(Strided, **DOWN), factor=4), "of factor=4 says that its factor is 2"),
        (lambda: testing.check_up(partial(Uncropped, **UP)), "an Up gives exactly the size asked for"),
        (lambda: testing.check_up(partial(Halved, **UP)), "an Up turns float64 into torch.float32"),
        (lambda: testing.check_up(lambda ci, co: nn.Conv2d(ci, co, 3)), "an Up has no `needs_index`"),
        (lambda: testing.check_encoder(LyingEncoder), r"the code \(8,\) is not as in spec"),
        (lambda: testing.check_encoder(lambda shape: nn.Flatten()), "an encoder has no `spec`"),
        (lambda: testing.check_decoder(FlatDecoder), r"a decoder returns images of \(3, 3, 33, 45\), not"),
        (lambda: testing.check_latent(Reshaping), "a latent keeps the shape of the code"),
        (lambda: testing.check_latent(Moody), "a latent logs the same names in every call"),
        (lambda: testing.check_latent(Unmeasured), "code_bits is the bits of an image's code; or None, where the logs"),
        (lambda: testing.check_latent(Flattening), "project gives bottlenecks of the shape of the vectors"),
        (lambda: testing.check_latent(Prior), "a latent without noise_shape, or with has_prior = False, has no prior"),
        (lambda: testing.check_source(Chance), "a source draws from numpy's global generator"),
        (lambda: testing.check_source(Floats), "the train images are a uint8 tensor"),
        (lambda: testing.check_corruption(lambda: Global(std=1.0, clip=False)), "draws from torch's global generator"),
        (lambda: testing.check_corruption(lambda: ByPosition(std=1.0, clip=False)), "of an image beside others"),
        (lambda: testing.check_corruption(lambda: InPlace(std=1.0, clip=False)), "the images it is given in place"),
        (lambda: testing.check_loss(Mean), r"Mean returned \(\): a loss gives a value for each image"),
        (lambda: testing.check_loss(Contrastive), "the loss of an image changes with the images beside it"),
        (lambda: testing.check_loss(RandomFrozen), "a frozen network has other weights each time it is made"),
        (lambda: testing.check_metric(LastBatch), "another value when the images come in other batches"),
        (lambda: testing.check_metric(NotPerImage), "but not the mean of the images' own values"),
        (lambda: testing.check_metric(lambda shape: nn.Identity()), "a metric has no `measure`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(check: Callable[[], None], sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence) as raised:
        check()
    assert "\n" not in str(raised.value)


def test_what_is_right_passes_and_no_test_runner_is_imported() -> None:
    testing.check_down(partial(Strided, **DOWN))
    testing.check_up(partial(Resize, **UP))
    testing.check_encoder(lambda shape: ConvEncoder(
        shape, down=partial(Strided, **DOWN), channels=[4, 8], activation="relu", blocks=0, norm="none"
    ))  # fmt: skip
    testing.check_latent(partial(DenseLatent, dim=5, activation="relu"))
    with pytest.raises(AssertionError, match=r"^said$"):
        expect(False, "said")
