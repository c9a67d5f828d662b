"""Optimizers with their learning-rate schedule: `(parameters, total_steps)` -> what `configure_optimizers` returns.

All of them are fused: one kernel a step instead of a dozen a tensor, which shows in small networks on a CPU.
"""

import math
from collections.abc import Iterable
from typing import Any, Literal, TypedDict

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from hourglass.core.errors import ConfigError
from hourglass.core.types import Beta, NonNegative, Positive, Probability

Schedule = Literal["cosine", "none"]
Params = Iterable[nn.Parameter]
Betas = tuple[Beta, Beta]

USUAL = 0.1
"""The root mean square at which `relative_steps` leaves `lr` as it is: that of 200 inputs, with `init=matched`."""
NEAR_ZERO = 0.002
"""Weights that start below are meant to grow."""


class StepSchedule(TypedDict):
    scheduler: LRScheduler
    interval: Literal["step"]


class OptimizerAndSchedule(TypedDict, total=False):
    optimizer: torch.optim.Optimizer
    lr_scheduler: StepSchedule


def adam(
    parameters: Params,
    total_steps: float,
    *,
    lr: Positive,
    betas: Betas,
    weight_decay: NonNegative,
    schedule: Schedule,
    relative_steps: bool = False,
) -> OptimizerAndSchedule:
    """Kingma & Ba 2015; `relative_steps`: see `by_start`."""
    chosen = by_start(parameters, lr) if relative_steps else parameters
    optimizer = torch.optim.Adam(chosen, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
    return scheduled(optimizer, schedule, total_steps)


def adamw(
    parameters: Params,
    total_steps: float,
    *,
    lr: Positive,
    betas: Betas,
    weight_decay: NonNegative,
    schedule: Schedule,
    relative_steps: bool = False,
) -> OptimizerAndSchedule:
    """Adam with decoupled weight decay: Loshchilov & Hutter 2019."""
    chosen = by_start(parameters, lr) if relative_steps else parameters
    optimizer = torch.optim.AdamW(chosen, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
    return scheduled(optimizer, schedule, total_steps)


def sgd(
    parameters: Params,
    total_steps: float,
    *,
    lr: Positive,
    momentum: Probability,
    weight_decay: NonNegative,
    schedule: Schedule,
) -> OptimizerAndSchedule:
    """Stochastic gradient descent with momentum."""
    optimizer = torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=True)
    return scheduled(optimizer, schedule, total_steps)


def by_start(parameters: Params, lr: float) -> list[dict[str, Any]]:
    """A group for each tensor, with a learning rate in proportion to the root mean square at which its weights start.

    Adam moves every weight by about lr a step, whatever its size. So weights that start twice as large, as those of a
    transposed convolution of stride 2 do beside a plain one, move half as fast: relative to their size, `lr` is
    another one for each operator. Biases, norms and weights that start at 0, or near it, keep `lr`.
    """
    groups = []
    for parameter in parameters:
        start = parameter.detach().square().mean().sqrt().item() if parameter.ndim > 1 else 0.0
        groups.append({"params": [parameter], "lr": lr * (start / USUAL if start >= NEAR_ZERO else 1.0)})
    return groups


def scheduled(optimizer: torch.optim.Optimizer, schedule: Schedule, total_steps: float) -> OptimizerAndSchedule:
    """`cosine`: from lr to 0 over all steps of the run, one update a step. `none`: constant."""
    if schedule == "none":
        return {"optimizer": optimizer}
    if not math.isfinite(total_steps):
        raise ConfigError(
            "optimizer.schedule=cosine needs a length, and trainer.max_epochs=-1 has none: use schedule=none"
        )
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": CosineAnnealingLR(optimizer, T_max=int(total_steps)), "interval": "step"},
    }
