"""A part as a file that was read again and does what the part does, for images of any size where that works."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hourglass.core.errors import DataError
from hourglass.core.text import first_line
from hourglass.core.types import Size2d
from hourglass.nn.export import formats
from hourglass.nn.export.formats import Format, Function
from hourglass.nn.export.parts import Part
from hourglass.nn.export.trace import Traced, other_size, trace

LIMIT = 1e-4
"""How far a value may be from that of the original: pixels lie in [0, 1]."""
TIES = 1e-3
"""The share of values that may be further away where the network sends positions: a maximum that two pixels share, to
the last digit, may be found at either."""
Images = Callable[[Size2d], Tensor]
"""Makes images (N, C, H, W) of this size, on which file and part are compared."""


@dataclass(frozen=True)
class Difference:
    """Between the outputs of a file and those of the part that it came from."""

    largest: float
    share: float
    """Of the values, those that differ by more than `LIMIT`"""
    images: int

    def and_of(self, other: "Difference") -> "Difference":
        largest, share = max(self.largest, other.largest), max(self.share, other.share)
        return Difference(largest, share, self.images + other.images)


@dataclass(frozen=True)
class Written:
    dynamic: bool
    """May both sides of the images be any multiple of `Part.step`?"""
    why_fixed: str
    """Empty where it is dynamic"""
    opset: int | None
    """Of ONNX"""
    difference: Difference


def write(
    part: Part, form: Format, path: Path, images: Images, metadata: Mapping[str, str], traced: Traced | None = None
) -> Written:
    """Write the file and compare it; `part` in `eval` mode. `traced`: what `trace` returned, if known.

    Raises ConfigError where the part cannot be written in this form, DataError where the file does something else.
    """
    with torch.no_grad():
        if form == "safetensors":
            formats.write_safetensors(part, path, metadata)
            why = "the code beside it is hourglass, whose networks have one size"
            return Written(False, why, None, _alike(part, formats.read_safetensors(part, path), images, False))
        traced = traced or trace(part)
        if traced.dynamic:
            try:
                return _write_graph(traced, form, path, images, metadata)
            except Exception as error:  # of any type, as the exporters and onnxruntime raise them
                why = f"{form} cannot leave its size open: {first_line(error)}"
                traced = trace(part, dynamic=False, why_fixed=why)
        return _write_graph(traced, form, path, images, metadata)


def _write_graph(traced: Traced, form: Format, path: Path, images: Images, metadata: Mapping[str, str]) -> Written:
    opset = None
    if form == "pt2":
        formats.write_pt2(traced, path, metadata)
    else:
        opset = formats.write_onnx(traced, path, metadata)
    run = formats.read_pt2(path) if form == "pt2" else formats.read_onnx(path)
    return Written(traced.dynamic, traced.why_fixed, opset, _alike(traced.part, run, images, traced.dynamic))


def _alike(part: Part, run: Function, images: Images, dynamic: bool) -> Difference:
    """How far a file is from its part, with its own size and, where it is dynamic, with another one; one image too."""
    height, width = part.autoencoder.image_shape[1:]
    own = images((height, width))
    difference = _compare(part, run, own).and_of(_compare(part, run, own[:1]))
    if dynamic:
        difference = difference.and_of(_compare(part, run, images(other_size(part))))
    allowed = TIES if part.autoencoder.decoder.needs_index else 0.0
    if not difference.share <= allowed:
        raise DataError(
            f"the file does not compute what the {part.part} does: they differ by up to {difference.largest:.1e}, more "
            f"than {LIMIT:g}, so it was not kept"
        )
    return difference


def _compare(part: Part, run: Function, images: Tensor) -> Difference:
    given: tuple[Tensor, ...] = (images,)
    if part.part == "decoder":
        given = formats.as_tuple(Part(part.autoencoder, "encoder")(images))
    expected, made = formats.as_tuple(part(*given)), formats.as_tuple(run(*given))
    if [one.shape for one in expected] != [one.shape for one in made]:
        shapes = [[tuple(one.shape) for one in ones] for ones in (expected, made)]
        raise DataError(f"the file returns {shapes[1]} where the {part.part} returns {shapes[0]}, so it was not kept")
    differences = torch.cat([(a.double() - b.double()).abs().flatten() for a, b in zip(expected, made, strict=True)])
    differences = differences.nan_to_num(nan=torch.inf)
    return Difference(float(differences.max()), float((differences > LIMIT).double().mean()), len(images))
