"""Checks of what judges a reconstruction: losses and metrics."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hourglass.core.errors import ConfigError
from hourglass.core.measures import Measure
from hourglass.core.types import Shape
from hourglass.nn.autoencoder import Reconstruction
from hourglass.testing.expectations import (
    expect,
    expect_attributes,
    expect_close,
    expect_reproducible,
    made,
    no_global_draws,
    seeded,
)
from hourglass.training.losses import digest, frozen_networks, judged

SHAPES: tuple[Shape, ...] = ((1, 28, 28), (3, 33, 45), (1, 8, 8))


@seeded
def check_loss(make: Callable[[], Any], *, image_shapes: tuple[Shape, ...] = SHAPES) -> None:
    """Of a loss: `make()`. It gives a value for each image, of that image alone, and a finite gradient to the pixels.

    Its frozen networks have the same weights whatever the seed, or a run could not be continued.
    """
    loss = made(make)
    expect_attributes(loss, "a loss", ("nats",))
    expect(isinstance(loss.nats, bool), "`nats` says whether the loss is a negative log likelihood: True or False")
    frozen = frozen_networks(loss)
    for network in frozen.values():
        network.eval()
    for shape in image_shapes:
        target = torch.rand(4, *shape)
        logits = (target.logit(1e-3) + torch.randn_like(target)).requires_grad_()
        names: set[str] | None = None
        values = []
        for n in (4, 4, 1):
            with no_global_draws("a loss"):
                verdict = _judged(loss, logits[:n], target[:n])
            expect(verdict.loss.isfinite().all(), f"the loss of images of {shape} is no finite number")
            names = set(verdict.logs) if names is None else names
            expect(names == set(verdict.logs), "a loss logs the same names in every call")
            values.append(verdict.loss)
        expect(torch.equal(values[0], values[1]), "a loss gives another value when it is called again")
        expect_close(values[0][:1], values[2], 1e-4, "the loss of an image changes with the images beside it")
        (gradient,) = torch.autograd.grad(values[0].sum(), logits)
        expect(gradient.isfinite().all(), f"the gradient of the loss is not finite, of images of {shape}")
        expect(gradient.flatten(1).abs().sum(1).gt(0).all(), "the gradient of the loss does not reach every image")
    if frozen:
        other = digest(frozen_networks(made(make, seed=1)))
        expect(digest(frozen_networks(made(make))) == other, "a frozen network has other weights each time it is made")
    expect_reproducible(make, "a loss")


def _judged(loss: Any, logits: Tensor, target: Tensor) -> Any:
    try:
        return judged(loss, Reconstruction(logits.sigmoid(), logits, target.new_zeros(())), target)
    except ConfigError as error:
        raise AssertionError(str(error)) from error


@seeded
def check_metric(make: Callable[[Shape], Any], *, image_shape: Shape = (1, 28, 28)) -> None:
    """Of a metric: `make(image_shape)`, of which `update(pixels, target, input)` and `compute()` are called.

    Batches, their order and several processes add up to the same value, as sums do; where its `measure` says
    `per_image` it is the mean of the values of the images.
    """
    metric = make(image_shape)
    expect_attributes(metric, "a metric", ("measure", "update", "compute", "reset", "merge_state"))
    measure: Measure = metric.measure
    expect(isinstance(measure, Measure), "the `measure` of a metric is a hourglass.metrics.Measure")
    target = torch.rand(6, *image_shape)
    spread = torch.linspace(0.05, 0.2, 6).view(-1, 1, 1, 1)  # another error for each image
    pixels, input = ((target + k * spread * torch.randn_like(target)).clamp(0, 1) for k in (1, 2))
    batch = (pixels, target, input)
    with no_global_draws("a metric"):
        whole = _value(make(image_shape), batch)
    expect(whole.isfinite(), "a metric gives no finite number for corrupted images")
    for part in ([4, 1, 5], [3], [0, 2]):
        metric.update(*(images[part] for images in batch))
    expect_close(_computed(metric), whole, 1e-4, "a metric gives another value when the images come in other batches")
    metric.reset()
    expect_close(_value(metric, batch), whole, 1e-6, "a metric gives another value after reset()")
    first, second = make(image_shape), make(image_shape)
    first.update(*(images[:4] for images in batch))
    second.update(*(images[4:] for images in batch))
    first.merge_state(second)
    expect_close(_computed(first), whole, 1e-4, "the states of two processes do not add up: use dist_reduce_fx='sum'")
    if measure.per_image:
        alone = [_value(make(image_shape), tuple(images[i : i + 1] for images in batch)) for i in range(len(target))]
        expect_close(torch.stack(alone).mean(), whole, 1e-4, "`per_image`, but not the mean of the images' own values")
    unchanged = make(image_shape)
    unchanged.update(target, target, target)
    same = unchanged.compute()
    expect(same is None or same.numel() == 1, "compute() gives a scalar, or None where there is nothing to say")


def _value(metric: Any, batch: tuple[Tensor, ...]) -> Tensor:
    metric.update(*batch)
    return _computed(metric)


def _computed(metric: Any) -> Tensor:
    value = metric.compute()
    expect(isinstance(value, Tensor) and value.numel() == 1, "compute() gives a scalar tensor for corrupted images")
    assert isinstance(value, Tensor)
    return value.reshape(()).double()
