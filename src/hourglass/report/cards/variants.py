"""Every operator of `conf/`, with the values of its options: found, never listed."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal, get_args, get_origin

import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor

from hourglass.cli.commands import CONF
from hourglass.config.identity import register_resolvers
from hourglass.nn.contract import CodeSpec, IndexKind
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.encoders import ConvEncoder
from hourglass.runs import build

Group = Literal["encoder", "decoder"]

FACTOR, CHANNELS, LARGEST_KERNEL = 2, 16, 5
REFERENCE: dict[Group, str] = {"encoder": "strided", "decoder": "resize"}
"""What the multiply-adds of the others are held against."""
FIXED = (f"factor={FACTOR}", "init=matched", "activation=none", "blocks=0", "norm=none")
"""The operator alone: no activation, so that what it does can be seen, and no residual blocks."""


@dataclass(frozen=True)
class Variant:
    """One operator of `conf/` with at most one of its options changed, CHANNELS -> CHANNELS, by FACTOR, in float64."""

    group: Group
    name: str
    option: str
    """`kernel_size=4`, or empty where the operator has no options."""
    is_default: bool
    make: Callable[[], Any] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.name} {self.option}".rstrip()

    @property
    def overrides(self) -> str:
        """What to write behind `python train.py`."""
        choice = f"{self.group}={self.name}"
        return choice if self.is_default else f"{choice} {self.group}.{self.option}"

    def build(self, seed: int) -> Any:
        """The untrained operator; the same for the same seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make().double().eval()


def down_from(stack: Any, options: dict[str, Any]) -> Any:
    settings = stack.keywords | {"down": _with(stack.keywords["down"], options), "channels": [CHANNELS]}
    return stack.func((CHANNELS, 4 * FACTOR, 4 * FACTOR), **settings).stages[0]


def up_from(stack: Any, options: dict[str, Any]) -> Any:
    spec = CodeSpec(((CHANNELS, FACTOR, FACTOR), (CHANNELS, 1, 1)), stack.keywords["up"].func.needs_index)
    return stack.func(spec, **stack.keywords | {"up": _with(stack.keywords["up"], options)}).stages[0]


def _with(operator: Any, options: dict[str, Any]) -> Any:
    return partial(operator.func, **operator.keywords | options)


def positions(kind: IndexKind | None, n: int, side: int, generator: torch.Generator) -> Tensor | None:
    """What an encoder could have sent beside a code (n, CHANNELS, side, side): drawn at random."""
    if kind == "argmax":
        fine = torch.rand(n, CHANNELS, side * FACTOR, side * FACTOR, generator=generator)
        return F.max_pool2d(fine, FACTOR, return_indices=True)[1]
    if kind == "polyphase":
        return torch.randint(FACTOR**2, (n,), generator=generator)
    return None


def variants(group: Group, largest_kernel: int = LARGEST_KERNEL) -> list[list[Variant]]:
    """A list for each operator of `conf/`; what is no stack of operators (`linear`) is left out."""
    return [list(_of(group, name, stack, largest_kernel)) for name, stack in _stacks(group).items()]


@cache
def _stacks(group: Group) -> dict[str, Any]:
    """What each file of `conf/encoder` or `conf/decoder` builds, still without image shape or `CodeSpec`."""
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        names = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
        stacks = {name: build.part(compose("train", [f"{group}={name}", *FIXED]), group) for name in names}
    return {name: stack for name, stack in stacks.items() if stack.func in (ConvEncoder, ConvDecoder)}


def _of(group: Group, name: str, stack: Any, largest_kernel: int) -> Iterator[Variant]:
    """The default in its place among the values; a value that makes no difference to it is not repeated.

    A file that stands on another operator's (`defaults: [resize]`) is one choice of that one's options: it alone.
    """
    make_with = partial(down_from if group == "encoder" else up_from, stack)
    default = Variant(group, name, "", True, partial(make_with, {}))
    operator = stack.keywords["down" if group == "encoder" else "up"]
    found = [] if _is_preset(group, name) else list(_choices(operator, largest_kernel))
    others, place, label, known = [], 0, "", _output(default)
    for key, value in found:
        other = Variant(group, name, f"{key}={str(value).lower()}", False, partial(make_with, {key: value}))
        if not torch.equal(_output(other), known):
            others.append(other)
        elif not label:
            place, label = len(others), other.option
    yield from others[:place]
    yield Variant(group, name, label, True, default.make)
    yield from others[place:]


def _is_preset(group: Group, name: str) -> bool:
    defaults = OmegaConf.select(OmegaConf.load(CONF / group / f"{name}.yaml"), "defaults", default=[])
    return not any(str(entry).startswith("/base/") for entry in defaults)


def _choices(operator: Any, largest_kernel: int) -> Iterator[tuple[str, Any]]:
    """(option, value): all values of a bool or Literal, whole numbers of an optional size, as the signature has it."""
    parameters = inspect.signature(operator.func, eval_str=True).parameters
    for key in operator.keywords:
        annotation = parameters[key].annotation
        values: tuple[Any, ...] = ()
        if annotation is bool:
            values = (False, True)
        elif get_origin(annotation) is Literal:
            values = get_args(annotation)
        elif type(None) in get_args(annotation):
            values = tuple(range(FACTOR, largest_kernel + 1))
        if key != "init":
            yield from ((key, value) for value in values)


@torch.no_grad()
def _output(variant: Variant) -> Tensor:
    """A fingerprint: what the untrained operator makes of one random input."""
    generator = torch.Generator().manual_seed(0)
    operator, x = variant.build(0), torch.randn(1, CHANNELS, 8, 8, generator=generator, dtype=torch.float64)
    if variant.group == "encoder":
        return operator(x)[0]
    return operator(x, (8 * FACTOR, 8 * FACTOR), positions(operator.needs_index, 1, 8, generator))
