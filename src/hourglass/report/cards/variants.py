"""Every operator of `conf/` with every value of its options; a new one appears here by itself."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from hourglass.config.compose import CONF, compose_train, options
from hourglass.config.parts import Parts
from hourglass.nn.contract import CodeSpec, IndexKind
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.encoders import ConvEncoder

Group = Literal["encoder", "decoder"]

FACTOR, CHANNELS, LARGEST_KERNEL = 2, 16, 5
OPERATOR: dict[Group, str] = {"encoder": "down", "decoder": "up"}
REFERENCE: dict[Group, str] = {"encoder": "strided", "decoder": "resize"}
"""The operators whose multiply-adds are the unit of the others' relative cost."""
ALONE = (f"factor={FACTOR}", "init=matched", "activation=none", "blocks=0", "norm=none")
"""The operator and nothing else in its stage."""

_composed = cache(compose_train)


@dataclass(frozen=True)
class Variant:
    """One operator of `conf/` with at most one of its options changed: CHANNELS -> CHANNELS, by FACTOR."""

    group: Group
    name: str
    option: str
    """`kernel_size=4`; empty where the operator has no options."""
    is_default: bool

    def __str__(self) -> str:
        return f"{self.name} {self.option}".rstrip()

    @property
    def overrides(self) -> str:
        """What to write after `python train.py`."""
        choice = f"{self.group}={self.name}"
        return choice if self.is_default else f"{choice} {self.group}.{self.option}"

    def build(self, seed: int) -> Any:
        """The untrained operator in float64; the same for the same seed."""
        stack = _stack(self.group, self.name, "" if self.is_default else self.option)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if self.group == "encoder":
                built = stack((CHANNELS, 4 * FACTOR, 4 * FACTOR), channels=[CHANNELS])
            else:
                shapes = ((CHANNELS, FACTOR, FACTOR), (CHANNELS, 1, 1))
                built = stack(CodeSpec(shapes, stack.keywords["up"].func.needs_index))
        return built.stages[0].double().eval()


@cache
def _stack(group: Group, name: str, option: str = "") -> Any:
    """The encoder or decoder as a partial, which waits for the shape of the images or for the `CodeSpec`."""
    key, _, value = option.partition("=")
    values = {f"{group}.{key}": yaml.safe_load(value)} if option else {}
    return getattr(Parts(_composed((f"{group}={name}", *ALONE)).with_values(values)), group)


def variants(
    group: Group, largest_kernel: int = LARGEST_KERNEL, only: Sequence[str] | None = None
) -> list[list[Variant]]:
    """A list for each operator of `conf/`, or `only` for these; `linear`, which has no operators, is left out."""
    stacks = {name: _stack(group, name) for name in options(group) if only is None or name in only}
    names = [name for name, stack in stacks.items() if stack.func in (ConvEncoder, ConvDecoder)]
    return [list(_of(group, name, largest_kernel)) for name in names]


def _of(group: Group, name: str, largest_kernel: int) -> Iterator[Variant]:
    """The default in its place among the other values of the options; values without effect are left out.

    A preset, which stands on another option (`defaults: [resize]`), is one value of that one's options: it comes alone.
    """
    default = Variant(group, name, "", True)
    bases = yaml.safe_load((CONF / group / f"{name}.yaml").read_text(encoding="utf-8")).get("defaults", [])
    is_preset = not any(str(base).startswith("/base/") for base in bases)
    choices = [] if is_preset else _choices(_stack(group, name).keywords[OPERATOR[group]], largest_kernel)
    same = [c for c in choices if torch.equal(_output(Variant(group, name, c, False)), _output(default))]
    if not same:
        yield default
    for choice in choices:
        if choice not in same[1:]:
            yield Variant(group, name, choice, choice in same)


def _choices(operator: Any, largest_kernel: int) -> list[str]:
    """`option=value` for every value that the operator's signature allows."""
    parameters = inspect.signature(operator.func, eval_str=True).parameters
    values = {key: _values(parameters[key].annotation, largest_kernel) for key in operator.keywords if key != "init"}
    return [f"{key}={str(value).lower()}" for key in values for value in values[key]]


def _values(annotation: Any, largest_kernel: int) -> Sequence[Any]:
    """All of a bool or Literal; of an optional size those up to the largest kernel; of anything else none."""
    if annotation is bool:
        return (False, True)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return range(FACTOR, largest_kernel + 1) if type(None) in get_args(annotation) else ()


@cache
@torch.no_grad()
def _output(variant: Variant) -> Tensor:
    """What the untrained operator makes of one random input: two variants with the same output are the same."""
    generator = torch.Generator().manual_seed(0)
    operator, x = variant.build(0), torch.randn(1, CHANNELS, 8, 8, generator=generator, dtype=torch.float64)
    if variant.group == "encoder":
        return operator(x)[0]
    return operator(x, (8 * FACTOR, 8 * FACTOR), positions(operator.needs_index, 1, 8, generator))


def positions(kind: IndexKind | None, n: int, side: int, generator: torch.Generator) -> Tensor | None:
    """What an encoder could have sent beside a code (n, CHANNELS, side, side), drawn at random."""
    if kind == "argmax":
        fine = torch.rand(n, CHANNELS, side * FACTOR, side * FACTOR, generator=generator)
        return F.max_pool2d(fine, FACTOR, return_indices=True)[1]
    if kind == "polyphase":
        return torch.randint(FACTOR**2, (n,), generator=generator)
    return None
