"""Operators that are computed otherwise than they are defined: the same values and gradients, in float64."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.exact import down, equal, noise, up
from helpers.project import configure
from hourglass.config.parts import Parts
from hourglass.nn.layers import ACTIVATIONS, pad_to_multiple
from hourglass.nn.operators import BedOfNails, BilinearAdditive, Carafe, HaarDown, HaarUp, MaxPool, Subsample
from hourglass.nn.operators.base import crop
from hourglass.nn.operators.dynamic import WINDOW
from hourglass.nn.operators.haar import haar, inverse_haar
from hourglass.nn.operators.pooling import MONOTONE


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def nails(operator: BedOfNails, y: Tensor, size: Any) -> Tensor:
    z = y.new_zeros(*y.shape[:2], *(side * operator.factor for side in y.shape[-2:]))
    z[..., :: operator.factor, :: operator.factor] = y
    return crop(operator.conv(z), size)


def additive(operator: BilinearAdditive, y: Tensor, size: Any) -> Tensor:
    wide = F.interpolate(y, scale_factor=float(operator.factor), mode="bilinear")
    return operator.conv(crop(wide.unflatten(1, (-1, operator.factor**2)).sum(2), size))


def haar_up(operator: HaarUp, y: Tensor, size: Any) -> Tensor:
    return crop(inverse_haar(operator.conv(y), operator.levels), size)


def carafe(operator: Carafe, y: Tensor, size: Any) -> Tensor:
    n, c, h, w = y.shape
    weights = operator.encode(operator.compress(y)).view(n, WINDOW**2, operator.factor**2, h * w).softmax(1)
    patches = F.unfold(y, WINDOW, padding=WINDOW // 2).view(n, c, WINDOW**2, h * w)
    blocks = torch.einsum("nckp,nkqp->ncqp", patches, weights)
    return operator.conv(crop(F.pixel_shuffle(blocks.reshape(n, -1, h, w), operator.factor), size))


def same(operator: nn.Module, fast: Callable[[Tensor], Tensor], defined: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """Output, and gradients of input and all weights."""
    for parameter in operator.parameters():  # every bias and weight takes part
        parameter.data = noise(*parameter.shape)
    answers = []
    for function in (fast, defined):
        given = x.clone().requires_grad_()
        out = function(given)
        torch.manual_seed(1)
        gradients = torch.autograd.grad((out * torch.randn_like(out)).sum(), [given, *operator.parameters()])
        answers.append((out, *gradients))
    for one, other in zip(*answers, strict=True):
        scale = other.abs().max().clamp(min=1)
        equal(one / scale, other / scale)


UPS = [(BedOfNails, nails), (BilinearAdditive, additive), (HaarUp, haar_up), (Carafe, carafe)]


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("short", [0, 1])
@pytest.mark.parametrize(("kind", "defined"), UPS)
def test_ways_up(kind: type[nn.Module], defined: Callable[..., Tensor], short: int, factor: int) -> None:
    operator = up(kind, 16, 3, factor)
    size = (5 * factor - short, 6 * factor)
    same(operator, lambda y: operator(y, size), lambda y: defined(operator, y, size), noise(2, 16, 5, 6))


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("size", [(12, 16), (9, 13)])
def test_the_haar_transform_down(factor: int, size: tuple[int, int]) -> None:
    operator = down(HaarDown, 3, 5, factor)

    def defined(x: Tensor) -> Tensor:
        return operator.conv(haar(pad_to_multiple(x, factor), operator.levels))

    same(operator, lambda x: operator(x)[0], defined, noise(2, 3, *size))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("size", [(12, 16), (9, 13)])
def test_subsampling(factor: int, size: tuple[int, int]) -> None:
    operator = down(Subsample, 3, 5, factor)
    operator.activation = nn.Tanh()
    defined = lambda x: torch.tanh(operator.conv(x))[..., ::factor, ::factor]  # noqa: E731
    same(operator, lambda x: operator(x)[0], defined, noise(2, 3, *size))


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("size", [(12, 16), (9, 13)])
def test_max_pooling_without_positions(activation: str, size: tuple[int, int]) -> None:
    operator = down(MaxPool, 3, 5)
    operator.activation = ACTIVATIONS[activation]()
    assert (activation in ("relu", "leaky_relu", "tanh", "sigmoid", "none")) == isinstance(
        operator.activation, MONOTONE
    )

    def pooled(x: Tensor) -> Tensor:
        operator.keeps_index = False
        y, index = operator(x)
        assert index is None
        return y

    def with_positions(x: Tensor) -> Tensor:
        operator.keeps_index = True
        return operator(x)[0]

    same(operator, pooled, with_positions, noise(2, 3, *size))


@pytest.mark.parametrize(("decoder", "kept"), [("resize", False), ("max_unpool", True), ("linear", False)])
def test_positions_are_kept_for_a_decoder_that_wants_them(decoder: str, kept: bool) -> None:
    parts = Parts(configure("encoder=maxpool", f"decoder={decoder}"))
    autoencoder = parts.autoencoder((1, 28, 28))
    encoded = autoencoder.encode(torch.rand(2, 1, 28, 28))
    assert [index is not None for index in encoded.indices] == [kept, kept]


def test_the_default_network_is_the_same_with_and_without_positions() -> None:
    autoencoder = Parts(configure("encoder=maxpool", "decoder=resize")).autoencoder((1, 28, 28))
    images, gradients = torch.rand(4, 1, 28, 28), []
    for keeps_index in (True, False):
        for stage in autoencoder.encoder.stages:
            stage.keeps_index = keeps_index
        autoencoder.zero_grad()
        autoencoder(images).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in autoencoder.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
