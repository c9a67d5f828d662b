"""Does a step wait for the device?"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gpu_parts.loops import data_of, prepared
from gpu_parts.setting import GPU, HERE, QUIET, WARM_UP, Sizes
from hourglass.config.compose import compose_train
from hourglass.config.parts import Parts
from hourglass.core.compat.lightning import is_logging_step


class Refusal(TorchDispatchMode):
    """On a CPU: what would wait for a GPU raises."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default):
            raise RuntimeError(f"{func} waits for the device")
        return func(*args, **(kwargs or {}))


@contextmanager
def waiting_refused() -> Iterator[None]:
    if not GPU:
        with Refusal():
            yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def waits(sizes: Sizes) -> Iterator[str]:
    yield "options | steps watched | |"
    shape, overrides = next(iter(sizes.networks.values()))
    steps = 20 if sizes.small else WARM_UP + 50 + 1
    chosen = [(), ("model=vae",), ("corruption=gaussian", "augmentation=flip_crop"), ("data.device=cpu",)]
    for more in chosen:
        length = ("trainer.max_epochs=1", f"trainer.log_every_n_steps={steps}", "trainer.deterministic=false")
        parts = Parts(compose_train([HERE, *QUIET, *overrides, *length, *more]))
        data, watched = data_of(parts, shape, steps), 0
        with tempfile.TemporaryDirectory() as folder:
            trainer, module = prepared(parts, data, Path(folder))
            advance = trainer.fit_loop.epoch_loop.advance

            def refusing(fetcher: Any, advance: Any = advance, trainer: Any = trainer) -> None:
                nonlocal watched
                done = trainer.fit_loop.epoch_loop.batch_progress.current.completed
                if WARM_UP <= done < steps - 1:  # the last one is logged
                    with waiting_refused():
                        advance(fetcher)
                    watched += not is_logging_step(trainer)
                else:
                    advance(fetcher)

            trainer.fit_loop.epoch_loop.advance = refusing  # type: ignore[assignment, method-assign]
            trainer.fit(module, datamodule=data)
        yield f"{' '.join(more) or 'default'} | {watched} | none waits |"
