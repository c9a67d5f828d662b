"""Every operator of `conf/`, with every value of its options; a new one appears here by itself."""

import inspect
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args, get_origin

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.project import options, parts
from hourglass.nn.contract import CodeSpec, IndexKind
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.encoders import ConvEncoder
from hourglass.testing.expectations import index_for

FACTORS = (2, 4)


def part(group: str, name: str) -> Any:
    """What `encoder=name` or `decoder=name` builds, still without image shape or `CodeSpec`."""
    return getattr(parts(f"{group}={name}"), group)


@dataclass(frozen=True)
class Variant:
    """One operator with one choice of its options, as the stack of `conf/` would build it."""

    group: str
    name: str
    factor: int
    chosen: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{key}={value}" for key, value in self.chosen), f"x{self.factor}"])

    @property
    def kind(self) -> IndexKind | None:
        operator = part(self.group, self.name).keywords["down" if self.group == "encoder" else "up"].func
        kind: IndexKind | None = operator.index_kind if self.group == "encoder" else operator.needs_index
        return kind

    def down(self, ci: int, co: int, activation: str = "none") -> Any:
        stack, side = part(self.group, self.name), 4 * self.factor
        operator = partial(stack.keywords["down"], factor=self.factor, **dict(self.chosen))
        return stack((ci, side, side), down=operator, channels=[co], activation=activation).stages[0]

    def make_down(self, ci: int, co: int, activation: nn.Module) -> Any:
        operator = part(self.group, self.name).keywords["down"]
        return operator(ci, co, activation, factor=self.factor, **dict(self.chosen))

    def up(self, ci: int, co: int) -> Any:
        stack, spec = part(self.group, self.name), CodeSpec(((co, self.factor, self.factor), (ci, 1, 1)), self.kind)
        return stack(spec, up=partial(stack.keywords["up"], factor=self.factor, **dict(self.chosen))).stages[0]

    def index(self, n: int, c: int, size: tuple[int, int]) -> Tensor | None:
        """What an encoder could have sent for a code of c channels from `size`."""
        return index_for(self.kind, n, c, size, self.factor)


def values_of(annotation: Any, factor: int) -> tuple[Any, ...]:
    """All values of a Literal or bool, kernels up to 5; none for another number, which has too many."""
    if annotation is bool:
        return (False, True)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return (None, *range(factor, 6)) if type(None) in get_args(annotation) else ()


def variants(group: str) -> Iterator[Variant]:
    """The operators of `conf/` with the options of their signatures: all `values_of` them, or the value in the YAML."""
    known = set()
    for name, factor in itertools.product(options(group), FACTORS):
        stack = part(group, name)
        if stack.func not in (ConvEncoder, ConvDecoder):
            continue
        side = "down" if group == "encoder" else "up"
        operator = stack.keywords[side].func
        choices: dict[str, tuple[Any, ...]] = {}
        for key, parameter in inspect.signature(operator, eval_str=True).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY and key not in ("factor", "init"):
                choices[key] = values_of(parameter.annotation, factor) or (stack.keywords[side].keywords[key],)
        for values in itertools.product(*choices.values()):
            made = (operator, stack.keywords.get("smooth"), factor, values)
            if made not in known:
                known.add(made)
                yield Variant(group, name, factor, tuple(zip(choices, values, strict=True)))


DOWNS, UPS = list(variants("encoder")), list(variants("decoder"))


def cells(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return math.ceil(size[0] / factor), math.ceil(size[1] / factor)


def rectified_field(n: int, c: int, side: int, grain: int) -> Tensor:
    """What a stage sees after a ReLU, slowly varying: (n, c, side, side), independent channels of power 1/2."""
    coarse = torch.randn(n, c, side // grain + 3, side // grain + 3)
    field = F.interpolate(coarse, scale_factor=float(grain), mode="bicubic")[..., grain : grain + side, :][..., :side]
    return F.relu(field / field.square().mean().sqrt())
