"""New memory is not filled before it is written, since nothing reads it before that: filled with NaN, all is the same.

With deterministic algorithms torch fills it with NaN by default, so that what reads it would show.
"""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from helpers.project import configure, options
from hourglass.config.parts import Parts
from hourglass.core.errors import IncompatiblePair
from hourglass.training.losses import judged


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = True


def step(*overrides: str, fill: bool) -> list[Tensor]:
    """The loss of a batch and all gradients."""
    torch.utils.deterministic.fill_uninitialized_memory = fill
    torch.manual_seed(0)
    parts = Parts(configure("channels=[8,16]", "activation=gelu", *overrides))
    autoencoder = parts.autoencoder((3, 25, 33)).to(memory_format=torch.channels_last)
    images = torch.rand(4, 3, 25, 33).to(memory_format=torch.channels_last)
    noise_shape = autoencoder.latent.noise_shape
    result = autoencoder.reconstruct(images, None if noise_shape is None else torch.randn(4, *noise_shape))
    loss = judged(parts.loss, result, images).loss.mean() + result.regularization
    return [loss, *torch.autograd.grad(loss, [p for p in autoencoder.parameters() if p.requires_grad])]


CHOICES = [
    *(f"encoder={name}" for name in options("encoder")),
    *(f"decoder={name}" for name in options("decoder")),
    *(f"latent={name}" for name in options("latent")),
    *(f"loss={name}" for name in options("loss") if name not in ("ms_ssim", "lpips")),  # which need larger images
]


PARTNERS = ("", "encoder=maxpool", "encoder=aps", "decoder=linear")
"""What a choice is tried with, in this order, until they fit."""


@pytest.mark.slow
@pytest.mark.parametrize("choice", CHOICES)
def test_no_kernel_reads_memory_that_nothing_has_written(choice: str) -> None:
    for partner in PARTNERS:
        overrides = [choice, *([partner] if partner else [])]
        try:
            poisoned = step(*overrides, fill=True)
            break
        except IncompatiblePair:
            continue
    assert all(value.isfinite().all() for value in poisoned)
    assert all(torch.equal(one, other) for one, other in zip(poisoned, step(*overrides, fill=False), strict=True))
