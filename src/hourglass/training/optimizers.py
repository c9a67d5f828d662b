"""Optimizers with their learning-rate schedule: `(parameters, total_steps)` -> what `configure_optimizers` returns.

All of them are fused: one kernel a step instead of a dozen a tensor, which shows in small networks on a CPU.
"""

import math
from collections.abc import Iterable
from typing import Literal, TypedDict

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from hourglass.core.errors import ConfigError
from hourglass.core.types import Beta, NonNegative, Positive, Probability

Schedule = Literal["cosine", "none"]
Params = Iterable[nn.Parameter]
Betas = tuple[Beta, Beta]


class StepSchedule(TypedDict):
    scheduler: LRScheduler
    interval: Literal["step"]


class OptimizerAndSchedule(TypedDict, total=False):
    optimizer: torch.optim.Optimizer
    lr_scheduler: StepSchedule


def adam(
    parameters: Params, total_steps: float, *, lr: Positive, betas: Betas, weight_decay: NonNegative, schedule: Schedule
) -> OptimizerAndSchedule:
    """Kingma & Ba 2015."""
    optimizer = torch.optim.Adam(parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
    return scheduled(optimizer, schedule, total_steps)


def adamw(
    parameters: Params, total_steps: float, *, lr: Positive, betas: Betas, weight_decay: NonNegative, schedule: Schedule
) -> OptimizerAndSchedule:
    """Adam with decoupled weight decay: Loshchilov & Hutter 2019."""
    optimizer = torch.optim.AdamW(parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
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
