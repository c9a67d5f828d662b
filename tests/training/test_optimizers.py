"""Steps in proportion to the weights that they move."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from helpers.project import autoencoder_for, configure
from hourglass.training.optimizers import adam, adamw

OPTIONS: dict[str, Any] = {"lr": 1e-4, "betas": (0.9, 0.999), "weight_decay": 0.0, "schedule": "none"}


def relative_step(decoder: str, kind: Callable[..., Any], *, relative_steps: bool) -> float:
    """How far the first step moves the weights of a way up, over their own size."""
    model = autoencoder_for((1, 28, 28), f"decoder={decoder}")
    weight = model.decoder.stages[1].conv.weight
    before = weight.detach().clone()
    optimizer = kind(model.parameters(), 10, **OPTIONS, relative_steps=relative_steps)["optimizer"]
    model(torch.rand(32, 1, 28, 28)).square().mean().backward()
    optimizer.step()
    return ((weight - before).norm() / before.norm()).item()


@pytest.mark.parametrize("kind", [adam, adamw])
def test_transposed_weights_move_half_as_fast_unless_steps_are_relative(kind: Callable[..., Any]) -> None:
    plain, relative = (
        relative_step("resize", kind, relative_steps=on) / relative_step("transpose", kind, relative_steps=on)
        for on in (False, True)
    )
    assert plain == pytest.approx(2, rel=0.1)
    assert relative == pytest.approx(1, rel=0.1)


def test_a_weight_moves_at_lr_where_it_starts_at_a_tenth_and_small_things_keep_lr() -> None:
    usual, large, zero = (nn.Parameter(torch.full((4, 4), start)) for start in (0.1, 0.25, 0.0))
    bias = nn.Parameter(torch.full((4,), 0.7))
    optimizer = adam([usual, large, zero, bias], 10, **OPTIONS, relative_steps=True)["optimizer"]
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1e-4, 2.5e-4, 1e-4, 1e-4])
    trained = adam([nn.Parameter(torch.ones_like(one)) for one in (usual, large, zero, bias)], 10, **OPTIONS,
                   relative_steps=True)["optimizer"]  # fmt: skip
    trained.load_state_dict(optimizer.state_dict())  # a run that goes on has the rates that it began with
    assert [group["lr"] for group in trained.param_groups] == [group["lr"] for group in optimizer.param_groups]


def test_without_it_a_run_is_the_one_that_it_was() -> None:
    assert configure("model=conv", "optimizer.relative_steps=false").id == configure("model=conv").id == "45bb905f"
    assert configure("optimizer.relative_steps=true").id != configure().id
