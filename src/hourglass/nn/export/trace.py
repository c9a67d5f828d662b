"""A part traced with torch.export: any batch, and any height and width where the network has no size of its own."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from hourglass.core.errors import ConfigError
from hourglass.core.text import first_line
from hourglass.core.types import Size2d
from hourglass.nn.export.parts import Part

BATCH = 2
"""Of the example that is traced: a batch of one would be taken for a constant."""
LEAST_CELLS, OTHER_CELLS = 2, (3, 5)
"""Cells of the code at each side: at least; and of an example, in which no two sizes are alike by chance."""


@dataclass(frozen=True)
class Traced:
    """A part as a graph."""

    part: Part
    program: ExportedProgram
    dynamic: bool
    """May both sides of the images be any multiple of `part.step`?"""
    why_fixed: str
    """Empty where it is dynamic"""


def trace(part: Part, *, dynamic: bool = True, why_fixed: str = "") -> Traced:
    """The part as a graph, its height and width open if they can be and `dynamic`; else `why_fixed` says why not.

    Raises ConfigError where it cannot be traced at all.
    """
    sides = "×".join(map(str, part.autoencoder.image_shape[1:]))
    if part.step is None:
        why_fixed = f"it has a dense layer or bottleneck, or its factor does not divide {sides}"
    elif dynamic:
        try:
            return Traced(part, _export(part, other_size(part)), True, "")
        except Exception as error:  # of any type, as torch's tracer raises them
            why_fixed = f"torch.export cannot leave its size open: {first_line(error)}"
    try:
        return Traced(part, _export(part, None), False, why_fixed)
    except Exception as error:
        raise ConfigError(f"part={part.part} of this network cannot be traced: {first_line(error)}") from error


def other_size(part: Part) -> Size2d:
    """Of images that are not as the network was trained on; `part` has a `step`."""
    assert part.step is not None, "else there is one size only"
    return part.step * OTHER_CELLS[0], part.step * OTHER_CELLS[1]


def example(part: Part, n: int, size: Size2d | None = None) -> tuple[Tensor, ...]:
    """Inputs of a part: n images (or what an encoder sends of them) of this size, or of its own."""
    made = []
    for port in part.inputs:
        shape = port.shape
        if size is not None and port.grid is not None:
            shape = (*shape[:-2], *(side // port.grid for side in size))
        made.append(torch.zeros(n, *shape, dtype=torch.int64) if port.integer else torch.full((n, *shape), 0.5))
    return tuple(made)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings and log lines of torch's exporters, which are none of the user's business."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)


def _export(part: Part, size: Size2d | None) -> ExportedProgram:
    batch, height, width = Dim("batch"), *(Dim(f"cells_{i}", min=LEAST_CELLS) for i in range(2))
    shapes: list[dict[int, Any]] = []
    for port in part.inputs:
        shapes.append({0: batch})
        if size is not None and port.grid is not None:
            each, last = (part.step or 1) // port.grid, len(port.shape)
            shapes[-1] |= {last - 1: each * height if each > 1 else height, last: each * width if each > 1 else width}
    with quiet(), torch.no_grad():
        program = torch.export.export(part, example(part, BATCH, size), dynamic_shapes={"given": tuple(shapes)})
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # the folders of this machine are nobody's business
    return program
