"""Parts that compare loops, and places of the images."""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from gpu_parts.loops import bare, compared, data_of, ours
from gpu_parts.setting import GPU, HERE, QUIET, WARM_UP, Sizes
from hourglass.config.compose import compose_train
from hourglass.config.parts import Parts
from hourglass.data import ImageData


def throughput(sizes: Sizes) -> Iterator[str]:
    yield "network, batch, precision | loop | images/s | ours is … times as fast |"
    batches, steps, rounds = ((8,), 10, 1) if sizes.small else ((128, 1024), 60, 5)
    deadline = time.monotonic() + sizes.seconds
    cases = list(itertools.product(sizes.networks.items(), batches, ("32-true", "bf16-mixed")))
    for (name, (shape, overrides)), batch, precision in cases:
        given = [
            HERE, *QUIET, *overrides, f"data.batch_size={batch}", f"trainer.precision={precision}",
            "trainer.max_epochs=1", "optimizer.schedule=none",
        ]  # fmt: skip

        def timed(
            loop: Callable[[Parts, ImageData], float], *more: str, given: Any = given, shape: Any = shape
        ) -> float:
            parts = Parts(compose_train([*given, *more]))
            return loop(parts, data_of(parts, shape, steps + WARM_UP))

        contenders: dict[str, Callable[[], float]] = {
            "ours": partial(timed, ours), "ours, data.device=cpu": partial(timed, ours, "data.device=cpu"),
            "bare": partial(timed, bare), "bare, CUDA graph": partial(timed, partial(bare, graph=True)),
        }  # fmt: skip
        if GPU:
            contenders["ours, trainer.compile=true"] = partial(timed, ours, "trainer.compile=true")
        share = time.monotonic() + (deadline - time.monotonic()) / len(cases)
        for row in compared(contenders, rounds, share):
            yield f"{name}, {batch}, {precision} | {row}"


def pictures(sizes: Sizes) -> Iterator[str]:
    from own_pictures import write_pictures  # beside this file

    yield "images of the training | images/s | on the device is … times as fast |"
    count, rounds = (200, 1) if sizes.small else (20_000, 5)
    root = sizes.folder / "pictures"
    if not root.is_dir():
        write_pictures(root, count)
    given = [
        HERE, *QUIET, "data=folder", "data.size=64", f"data.root={root}", f"data.cache={sizes.folder / 'cache'}",
        f"data.batch_size={16 if sizes.small else 128}", "trainer.max_epochs=1", "trainer.limit_val_batches=1",
        "trainer.limit_test_batches=1", *(["channels=[4]"] if sizes.small else []),
    ]  # fmt: skip

    def mapped(*more: str) -> float:
        parts = Parts(compose_train([*given, *more]))
        return ours(parts, parts.data)

    contenders: dict[str, Callable[[], float]] = {
        "on the device, where it is a GPU": mapped,
        "in host memory": partial(mapped, "data.device=cpu", "data.cache=null"),
        "mapped from the cache": partial(mapped, "data.device=cpu"),
        "mapped, 4 workers": partial(mapped, "data.device=cpu", "data.num_workers=4"),
    }  # fmt: skip
    yield from compared(contenders, rounds, time.monotonic() + sizes.seconds)
