"""What several checks expect: no chance, no neighbours, gradients everywhere, weights that survive a checkpoint."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.types import Size2d
from hourglass.nn.contract import IndexKind

Arguments = ParamSpec("Arguments")


def expect(condition: object, sentence: str) -> None:
    """Raise AssertionError with this sentence unless the condition holds; unlike `assert`, under -O too."""
    if not condition:
        raise AssertionError(sentence)


def seeded(check: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """A check with random numbers that are the same each time, and that leaves the global generator as it was."""

    @functools.wraps(check)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            check(*args, **kwargs)

    return wrapped


def made(make: Callable[..., Any], *arguments: object, seed: int = 0) -> Any:
    """What `make(*arguments)` gives with the global generator at `seed`, which is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(*arguments)


@contextmanager
def no_global_draws(what: str) -> Iterator[None]:
    """Expect that nothing is drawn from torch's global generator."""
    before = torch.get_rng_state()
    yield
    drawn = not torch.equal(before, torch.get_rng_state())
    expect(not drawn, f"{what} draws from torch's global generator: take randomness from the seed, key or noise given")


def expect_close(actual: Tensor, expected: Tensor, tolerance: float, sentence: str) -> None:
    """Expect the same shape, and values that differ by `tolerance` times the largest of them at most."""
    expect(actual.shape == expected.shape, f"{sentence} (shapes {tuple(actual.shape)} and {tuple(expected.shape)})")
    actual, expected = actual.detach(), expected.detach()
    scale = expected.abs().max().clamp(min=1.0)
    worst = float(((actual - expected).abs() / scale).max()) if actual.numel() else 0.0
    expect(worst <= tolerance, f"{sentence} (they differ by {worst:.2g})")


def expect_reproducible(make: Callable[[], nn.Module], what: str) -> None:
    """Expect the same weights of the same seed, and that a checkpoint holds all that a part needs."""
    first, again, other = made(make), made(make), made(make, seed=1)
    pairs = zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    expect(all(torch.equal(a, b) for a, b in pairs), f"{what} has other weights each time it is made of one seed")
    try:
        other.load_state_dict(first.state_dict())
    except RuntimeError as error:
        raise AssertionError(f"{what} cannot load the state_dict of another one like it: {error}") from error


def expect_gradients(output: Tensor, tensors: Mapping[str, Tensor], what: str) -> None:
    """Expect a finite gradient of `output`, not all of it 0, in each of the tensors."""
    output.backward()
    for name, tensor in tensors.items():
        gradient = torch.zeros(()) if tensor.grad is None else tensor.grad
        expect(gradient.any(), f"no gradient of {what} reaches {name}: everything that is learned must take part")
        expect(gradient.isfinite().all(), f"the gradient of {what} is no finite number: {name}")


def parameters_of(module: nn.Module) -> dict[str, Tensor]:
    """Those that are to be learned, by name."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def index_for(kind: IndexKind | None, n: int, channels: int, size: Size2d, factor: int) -> Tensor | None:
    """What an encoder could have sent beside a code of `channels` from `size` pixels."""
    if kind == "argmax":
        return F.max_pool2d(torch.rand(n, channels, *size), factor, ceil_mode=True, return_indices=True)[1]
    return torch.randint(factor**2, (n,)) if kind == "polyphase" else None


def expect_attributes(part: Any, what: str, names: Iterable[str]) -> None:
    for name in names:
        expect(hasattr(part, name), f"{what} has no `{name}`, which the contract asks for")
