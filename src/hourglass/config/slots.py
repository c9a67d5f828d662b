"""Which parts belong in which slot of a configuration: those that the options in `conf/` name for it, and no others.

A slot is the place of a part: `decoder`, `decoder.up`, `data.source`, `callbacks.*` (whatever the callback is called).
"""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import yaml

from hourglass.config.compose import CONF
from hourglass.core.errors import ConfigError

BASES = {
    "encoder": "encoder",
    "decoder": "decoder",
    "data": "data",
    "torchvision": "data",
    "idx": "data",
    "pictures": "data",
    "model": "model",
}
"""Files in `conf/base` -> the group whose options stand on them."""
NAMED = ("callbacks", "logger", "metrics")
"""Groups that hold parts by names of the user's choice."""
NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def trusted(packages: Sequence[str]) -> tuple[str, ...]:
    """`trust` as it was given, a list of packages; raises ConfigError where it is something else."""
    names = [packages] if isinstance(packages, str) else list(packages)
    if isinstance(packages, str) or not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise ConfigError(f"trust={packages!r}: name the packages whose parts may be loaded, as in trust=[mylab]")
    return tuple(names)


def packages_in(texts: Iterable[str]) -> list[str]:
    """Of `[mylab,other]` and `mylab`, as the command line has them."""
    return [name.strip() for text in texts for name in text.strip("[]").split(",") if name.strip()]


def refuse_foreign(target: object, slot: str, path: str, trust: Sequence[str] = ()) -> None:
    """Raise ConfigError unless `conf/` names this target for this slot, or it is a public name of a package in `trust`.

    Nothing is imported to find that out.
    """
    if isinstance(target, str) and target in _named("_target_").get(slot, frozenset()):
        return
    refusal = f"{path}._target_={target} is no part of hourglass that belongs there; nothing was run"
    if not isinstance(target, str) or not NAME.fullmatch(target):
        raise ConfigError(refusal)
    package = target.split(".")[0]
    if package == "hourglass" or package in sys.stdlib_module_names or "._" in f".{target}":
        raise ConfigError(refusal)
    if package not in trust:
        raise ConfigError(f"{refusal}. If you trust that package with all that you can do, say so: trust=[{package}]")


def refuse_foreign_parts(plain: Mapping[str, Any], groups: Iterable[str], trust: Sequence[str]) -> None:
    """As `refuse_foreign`, of every part in these groups of a resolved configuration."""
    for group in groups:
        for place, target in _entries(plain.get(group), "_target_", (group,)):
            refuse_foreign(target, _slot(place), ".".join(place), trust)


def refuse_borrowed(part: Any, target: str, path: str) -> None:
    """Raise ConfigError unless the imported `part` is a class or function of the package that `target` begins with.

    What a package has imported itself, such as `mylab.os.system`, is none of its parts.
    """
    package = target.split(".")[0]
    if not (inspect.isclass(part) or inspect.isfunction(part)) or part.__module__.split(".")[0] != package:
        raise ConfigError(f"{path}._target_={target} is no class or function of {package}; nothing was run")


def refuse_foreign_keys(node: Any, path: str) -> None:
    """Raise ConfigError where a key is no word, or one of the form `_…_` other than `_target_` and `_partial_`."""
    if isinstance(node, dict):
        for key, inner in node.items():
            if not isinstance(key, str):
                raise ConfigError(f"{path}: the key {key!r} is no word; nothing was run")
            if key.startswith("_") and key not in ("_target_", "_partial_"):
                raise ConfigError(f"{path}.{key}: only _target_ and _partial_ may stand there; nothing was run")
            refuse_foreign_keys(inner, f"{path}.{key}")
    elif isinstance(node, list):
        for i, inner in enumerate(node):
            refuse_foreign_keys(inner, f"{path}[{i}]")


def refuse_other_making(node: Mapping[str, Any], slot: str, path: str) -> None:
    """Raise ConfigError where `_partial_` is not as in `conf/`: whether what belongs in a slot still waits for more."""
    if (node.get("_partial_") is True) != (slot in _named("_partial_")):
        raise ConfigError(f"{path}._partial_={node.get('_partial_')} is not how this part is made; nothing was run")


@cache
def _named(key: str) -> dict[str, frozenset[Any]]:
    """Slot -> what `conf/` has there as `_target_`, or as `_partial_`."""
    named: dict[str, set[Any]] = {}
    for path in CONF.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        group = path.parent.name if path.parent != CONF / "base" else BASES[path.stem]
        root = () if "# @package _global_" in text else (group,)
        for place, value in _entries(yaml.safe_load(text), key, root):
            named.setdefault(_slot(place), set()).add(value)
    return {slot: frozenset(values) for slot, values in named.items()}


def _slot(place: tuple[str, ...]) -> str:
    return ".".join((place[0], "*") if len(place) > 1 and place[0] in NAMED else place)


def _entries(node: Any, key: str, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(where, value) of this key, wherever it is in a node."""
    if isinstance(node, dict):
        if key in node:
            yield place, node[key]
        for name, inner in node.items():
            yield from _entries(inner, key, (*place, str(name)))
