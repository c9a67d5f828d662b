"""A step of training waits for the device only where its numbers are logged: seen on the CPU, for want of a GPU.

Two ways to see it. A tensor on the device `meta` has no values, so that whoever wants some fails; an operator with
tensors of two devices would copy one of them. And `_local_scalar_dense` is what `int(x)`, `float(x)`, `bool(x)` and
`x.item()` call on any device, `nonzero` what indexing by a mask calls; a GPU has to finish its work for either.
"""

import traceback
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from helpers import by_hand
from helpers.project import configure, options
from hourglass.config.parts import Parts
from hourglass.core.compat.lightning import is_logging_step
from hourglass.data.batches import RawBatch
from hourglass.training.lookup import callback_of
from hourglass.training.module import AutoencoderModule
from hourglass.training.resume import LastCheckpoint

WAITING = ("vq", "rvq")
"""Latents whose library asks in each step whether a codebook has been started and whether a code is dead."""
WAITS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default, torch.ops.aten.equal.default}


class OnOneDevice(TorchDispatchMode):
    """Every tensor of more than one value that an operator gets is on `meta`."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for one in tree_leaves((args, kwargs)):
            assert not isinstance(one, Tensor) or one.ndim == 0 or one.device.type == "meta", f"{func} of {one.device}"
        return func(*args, **(kwargs or {}))


def combinations() -> list[Any]:
    """Every option of these groups at least once: an encoder and a decoder that go together, and one each of others."""
    encoders, others = options("encoder"), ("latent", "loss", "corruption", "augmentation")
    left = cycle([name for name in encoders if name not in options("decoder")])
    made = []
    for i, decoder in enumerate(options("decoder")):
        partner = {"max_unpool": "maxpool"}.get(decoder, decoder)
        pair = {"encoder": partner if partner in encoders else next(left), "decoder": decoder}
        made.append(pair | {group: options(group)[i % len(options(group))] for group in others})
    assert all({one[group] for one in made} == set(options(group)) for group in made[0])
    waiting = pytest.mark.xfail(raises=RuntimeError, strict=True, reason="its library waits")
    return [pytest.param(one, marks=[waiting] if one["latent"] in WAITING else []) for one in made]


@pytest.mark.parametrize("chosen", combinations(), ids=lambda chosen: "-".join(chosen.values()))
def test_no_part_wants_a_value_back_from_the_device(chosen: dict[str, str]) -> None:
    parts = Parts(configure("channels=[8,16]", *(f"{group}={name}" for group, name in chosen.items())))
    data, autoencoder = parts.data, parts.autoencoder((3, 24, 24))
    module = AutoencoderModule(autoencoder, parts.loss, parts.optimizer, parts.metrics, seed=0, config={}).to("meta")
    raw = RawBatch(torch.empty(4, 3, 24, 24, dtype=torch.uint8), torch.arange(4)).to("meta")
    with OnOneDevice():
        batch = data.prepare(raw, "train", augmented=True)
        module._objective(module._reconstruct(batch, sampled=True), batch)["loss"].backward()
    assert all(parameter.grad.device.type == "meta" for parameter in autoencoder.parameters())


class Waits(TorchDispatchMode):
    """Notes where a value is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WAITS:
            self.found.append("".join(traceback.format_stack(limit=12)))
        return func(*args, **(kwargs or {}))


def fit_watched(folder: Path, callbacks: list[Any], **options: Any) -> tuple[list[list[str]], list[list[str]]]:
    """Where values were asked for from the fetching of a batch to its last callback, one list a batch: (of those that
    neither log nor begin with a checkpoint, of those that log)."""
    trainer = by_hand.trainer_for(folder, callbacks, bar=True, **options)
    loop, last = trainer.fit_loop.epoch_loop, callback_of(trainer, LastCheckpoint)
    quiet: list[list[str]] = []
    logging: list[list[str]] = []
    advance = loop.advance
    assert last is not None

    def watched(fetcher: Any) -> None:
        saved_at = last.saved_at
        with Waits() as waits:
            advance(fetcher)
        if is_logging_step(trainer):
            logging.append(waits.found)
        elif last.saved_at == saved_at:
            quiet.append(waits.found)

    loop.advance = watched  # type: ignore[method-assign]
    by_hand.fit(trainer)
    return quiet, logging


VARIANTS: list[dict[str, Any]] = [
    {},
    {"accumulate_grad_batches": 2},
    {"gradient_clip_val": 0.5},
    {"precision": "bf16-mixed"},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_only_steps_that_are_logged_wait(tmp_path: Path, variant: dict[str, Any]) -> None:
    """Lightning's own steps, all callbacks of a run, the progress bar and the loggers included."""
    chosen = Parts(configure("callbacks=early_stopping", "callbacks.divergence.every_n_steps=1")).callbacks
    quiet, logging = fit_watched(tmp_path, list(chosen.values()), log_every_n_steps=3, max_epochs=3, **variant)
    assert len(quiet) >= 4
    assert [found[0] for found in quiet if found] == []
    assert all(logging)


def test_who_waits_is_found(tmp_path: Path) -> None:
    careless = by_hand.At(1, lambda module: float(module.autoencoder.latent.steps))
    quiet, _ = fit_watched(tmp_path, [careless], log_every_n_steps=3)
    (found,) = [found for found in quiet if found]
    assert "by_hand.py" in found[0]
