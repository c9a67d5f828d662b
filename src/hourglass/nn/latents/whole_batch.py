"""What depends on a batch as a whole, on several devices: each sees the whole batch, so they do what one would."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed


def shared() -> bool:
    """Do several processes train together?"""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def gathered(part: Tensor) -> Tensor:
    """(N, …) of each of R processes -> (R·N, …), in the order that the batch has in one process; with gradients.

    Each process must have as many images, and each must call it. A loss of the result counts in every process, so the
    mean of their gradients, which is what DDP takes, is its gradient.
    """
    whole: Tensor = _Gather.apply(part) if shared() else part
    return whole


class _Gather(torch.autograd.Function):
    """torch's own gives other gradients with gloo."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        part = part.contiguous()
        parts = [torch.empty_like(part) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, part)
        return torch.stack(parts, dim=1).flatten(0, 1)  # a rank has every R-th image of the batch

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return own(total)


def own(whole: Tensor) -> Tensor:
    """The images of this process among those of `gathered`."""
    return whole[distributed.get_rank() :: distributed.get_world_size()] if shared() else whole


@contextmanager
def same_draws(device: torch.device) -> Iterator[None]:
    """Inside, every process draws from torch's generator of the device what the first one draws."""
    if not shared():
        yield
        return
    on_gpu = device.type == "cuda"
    before = torch.cuda.get_rng_state(device) if on_gpu else torch.get_rng_state()
    state = before.to(device)
    distributed.broadcast(state, src=0)
    _set_rng_state(state.cpu(), device)
    try:
        yield
    finally:
        if distributed.get_rank() > 0:
            _set_rng_state(before, device)


def _set_rng_state(state: Tensor, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
