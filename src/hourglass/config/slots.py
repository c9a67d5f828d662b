"""Which parts belong in which slot of a configuration: those that the options in `conf/` name for it, and no others.

A slot is the place of a part: `decoder`, `decoder.up`, `data.source`, `callbacks.*` (whatever the callback is called).
"""

from collections.abc import Iterator
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
    "model": "model",
}
"""Files in `conf/base` -> the group whose options stand on them."""
NAMED = ("callbacks", "logger")
"""Groups that hold parts by names of the user's choice."""


def refuse_foreign(target: object, slot: str, path: str) -> None:
    """Raise ConfigError unless `conf/` names this target for this slot; nothing is imported to find that out."""
    if not isinstance(target, str) or target not in _named().get(slot, frozenset()):
        raise ConfigError(f"{path}._target_={target} is no part of hourglass that belongs there; nothing was run")


def refuse_foreign_keys(node: Any, path: str) -> None:
    """Raise ConfigError where a key of the form `_…_` is anything but `_target_` or `_partial_`."""
    if isinstance(node, dict):
        for key, inner in node.items():
            if str(key).startswith("_") and key not in ("_target_", "_partial_"):
                raise ConfigError(f"{path}.{key}: only _target_ and _partial_ may stand there; nothing was run")
            refuse_foreign_keys(inner, f"{path}.{key}")
    elif isinstance(node, list):
        for i, inner in enumerate(node):
            refuse_foreign_keys(inner, f"{path}[{i}]")


@cache
def _named() -> dict[str, frozenset[str]]:
    """Slot -> the targets that `conf/` names for it."""
    named: dict[str, set[str]] = {}
    for path in CONF.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        group = path.parent.name if path.parent != CONF / "base" else BASES[path.stem]
        root = () if "# @package _global_" in text else (group,)
        for place, target in _targets(yaml.safe_load(text), root):
            slot = ".".join((place[0], "*") if len(place) > 1 and place[0] in NAMED else place)
            named.setdefault(slot, set()).add(target)
    return {slot: frozenset(targets) for slot, targets in named.items()}


def _targets(node: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield place, node["_target_"]
        for key, inner in node.items():
            yield from _targets(inner, (*place, key))
