"""A run with a codebook that was stopped and continued ends with the bits of one that never was."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers import by_hand
from helpers.project import parts
from hourglass.core.errors import Interrupted
from hourglass.core.signals import StopRequest
from hourglass.nn import CodeSpec

RESTARTS = ("latent.codebook_size=8", "latent.dead_below=2")
CHOICES = [("vq", RESTARTS), ("rvq", (*RESTARTS, "latent.codebook=gradient")), ("simvq", ()), ("lfq", ())]


def latent(spec: CodeSpec, *, option: str, overrides: tuple[str, ...], **_: Any) -> Any:
    return parts(f"latent={option}", *overrides).latent(spec)


@pytest.mark.slow
@pytest.mark.parametrize(("option", "overrides"), CHOICES, ids=lambda one: one if isinstance(one, str) else "")
@pytest.mark.parametrize("batch", [1, by_hand.PER_EPOCH + 3])
def test_a_codebook_is_continued_with_the_same_bits(
    option: str, overrides: tuple[str, ...], batch: int, tmp_path: Path
) -> None:
    make = partial(by_hand.module, latent=partial(latent, option=option, overrides=overrides))
    whole = by_hand.fit(by_hand.trainer_for(tmp_path / "whole"), make=make)
    stop, callbacks = StopRequest(), [by_hand.At(batch, by_hand.terminate)]
    with stop, pytest.raises(Interrupted):
        by_hand.fit(by_hand.trainer_for(tmp_path / "stopped", callbacks, stop), make=make)
    continued = by_hand.fit(by_hand.trainer_for(tmp_path / "stopped"), resume=True, make=make)
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, continued.state_dict()[name]), name
    assert (tmp_path / "stopped" / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()
