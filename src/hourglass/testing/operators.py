"""Checks of the operators, one stage down or up."""

import math
from collections.abc import Callable, Iterator
from typing import Any, get_args

import torch
from torch import Tensor, nn

from hourglass.core.types import Size2d
from hourglass.nn.contract import IndexKind
from hourglass.testing.expectations import (
    expect,
    expect_attributes,
    expect_close,
    expect_gradients,
    expect_reproducible,
    index_for,
    made,
    no_global_draws,
    parameters_of,
    seeded,
)

ODD = (13, 18)
WIDE = 16
"""Channels of the code: some operators take them in groups."""
KINDS = (None, *get_args(IndexKind))


def sizes(factor: int) -> Iterator[Size2d]:
    """Even, odd, and as small as one cell."""
    yield from ((n, n) for n in range(factor, 34))
    yield from ((25, 33), (33, 18), (factor, 33), (31, factor))


def cells(size: Size2d, factor: int) -> Size2d:
    return math.ceil(size[0] / factor), math.ceil(size[1] / factor)


@seeded
def check_down(make: Callable[..., Any], *, factor: int = 2) -> None:
    """Of a Down: `make(in_channels, out_channels, activation)`, its other options bound, as in `conf/encoder`.

    It gives (N, Co, ⌈H/s⌉, ⌈W/s⌉) and, where `index_kind` says so, an index; of every image by itself; without chance;
    with a gradient for all that is learned; in float64 exactly, in bfloat16 nearly.
    """
    down = made(make, 3, WIDE, nn.ReLU())
    expect_attributes(down, "a Down", ("factor", "index_kind"))
    expect(down.factor == factor, f"a Down of factor={factor} says that its factor is {down.factor}")
    expect(down.index_kind in KINDS, f"index_kind={down.index_kind} is none of {KINDS}")
    for channels in (1, 3):
        operator = made(make, channels, WIDE, nn.ReLU())
        for size in sizes(factor):
            with torch.no_grad():
                y, index = operator(torch.rand(2, channels, *size))
            expected = (2, WIDE, *cells(size, factor))
            expect(y.shape == expected, f"a Down rounds up: {size} pixels become {expected}, not {tuple(y.shape)}")
            expect(y.isfinite().all(), f"a Down gives values that are no finite numbers, of {size} pixels")
            kept = index is not None
            expect(kept == (down.index_kind is not None), f"index_kind={down.index_kind}, but an index: {kept}")
    expect_reproducible(lambda: make(3, WIDE, nn.ReLU()), "a Down")
    _expect_pure(made(make, 3, WIDE, nn.ReLU()), lambda operator, x: operator(x)[0], torch.rand(3, 3, *ODD), "a Down")


@seeded
def check_up(make: Callable[..., Any], *, factor: int = 2) -> None:
    """Of an Up: `make(in_channels, out_channels)`, its other options bound, as in `conf/decoder`.

    It gives exactly the `size` it is asked for; where `needs_index` says so, of an index; otherwise as `check_down`.
    """
    up = made(make, WIDE, 3)
    expect_attributes(up, "an Up", ("needs_index",))
    kind: IndexKind | None = up.needs_index
    expect(kind in KINDS, f"needs_index={kind} is none of {KINDS}")
    for channels in (1, 3):
        operator = made(make, WIDE, channels)
        for size in sizes(factor):
            with torch.no_grad():
                x = operator(torch.rand(2, WIDE, *cells(size, factor)), size, index_for(kind, 2, WIDE, size, factor))
            expected = (2, channels, *size)
            expect(x.shape == expected, f"an Up gives exactly the size asked for: {expected}, not {tuple(x.shape)}")
            expect(x.isfinite().all(), f"an Up gives values that are no finite numbers, of {size} pixels")
    expect_reproducible(lambda: make(WIDE, 3), "an Up")
    index = index_for(kind, 3, WIDE, ODD, factor)

    def call(operator: Any, y: Tensor) -> Tensor:
        result: Tensor = operator(y, ODD, None if index is None else index[: len(y)])
        return result

    _expect_pure(up, call, torch.rand(3, WIDE, *cells(ODD, factor)), "an Up")


def _expect_pure(operator: nn.Module, call: Callable[[Any, Tensor], Tensor], inputs: Tensor, what: str) -> None:
    """No chance, no neighbours, gradients, and the types of numbers; the operator ends in float64."""
    with torch.no_grad(), no_global_draws(what):
        single = call(operator, inputs)
        with torch.autocast("cpu", torch.bfloat16):
            half = call(operator, inputs).float()
    expect_close(half, single, 0.02, f"{what} gives other values in bfloat16 than in float32")
    operator, inputs = operator.double(), inputs.double()
    with torch.no_grad():
        together, again, alone = call(operator, inputs), call(operator, inputs), call(operator, inputs[:1])
    expect(together.dtype == torch.float64, f"{what} turns float64 into {together.dtype}")
    expect(torch.equal(together, again), f"{what} gives another result when it is called again")
    expect_close(together[:1], alone, 1e-12, f"{what} gives another result for an image beside other images")
    if hasattr(operator, "fused"):
        with torch.no_grad():
            fused = call(operator.fused(), inputs)  # type: ignore[operator]
        expect_close(fused, together, 1e-12, f"what fused() of {what} returns gives other values than {what}")
    inputs.requires_grad_()
    out = call(operator, inputs)
    expect_gradients((out * torch.randn_like(out)).sum(), {"its input": inputs, **parameters_of(operator)}, what)
