"""The composed configuration as a value: what is hashed, saved, logged, and turned into parts."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hourglass.config.identity import run_id
from hourglass.config.interpolation import calls_resolver, resolved

Node = dict[str, Any]


@dataclass(frozen=True)
class Configuration:
    """A configuration without Hydra's own part. It is never changed: `with_values` makes another."""

    written: Node
    """As written, with interpolations such as `${channels}`, but for what only one machine can answer."""
    trust: tuple[str, ...] | None = None
    """Packages whose parts may be made of it, beside what `conf/` names, where it was read from a folder that anybody
    may have made; None: it is one's own"""

    @classmethod
    def of(cls, config: DictConfig) -> "Configuration":
        """What Hydra composed; `${oc.env:HOME}` and the like are answered now."""
        if "hydra" in config:
            config = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        made = cls(OmegaConf.to_container(config))  # type: ignore[arg-type]
        if _calls_resolver(made.written):
            made = cls(_settled(made.written, OmegaConf.to_container(config, resolve=True)))
        _ = made.plain  # what leads nowhere is said here
        return made

    @cached_property
    def plain(self) -> Node:
        """Resolved: plain values throughout. Raises OmegaConf's errors where an interpolation leads nowhere."""
        return resolved(self.written)

    @cached_property
    def id(self) -> str:
        """The run id: the same wherever and however the run is carried out."""
        return run_id(self.plain)

    @property
    def packages(self) -> list[str]:
        """Those that its parts come from, by the names under which they are imported."""
        return sorted({target.split(".")[0] for target in targets(self.plain)})

    @property
    def as_yaml(self) -> str:
        return OmegaConf.to_yaml(OmegaConf.create(self.written))

    def with_values(self, values: Mapping[str, Any]) -> "Configuration":
        """The same with other values or whole nodes, by dotted key; a node may hold interpolations."""
        changed = OmegaConf.create(copy.deepcopy(self.written))
        for key, value in values.items():
            OmegaConf.update(changed, key, value, merge=False)
        return Configuration(OmegaConf.to_container(changed), self.trust)  # type: ignore[arg-type]


def targets(node: Any) -> Iterator[str]:
    """Of every part that a node describes, itself and those inside it."""
    if isinstance(node, dict):
        if isinstance(node.get("_target_"), str):
            yield node["_target_"]
        for inner in node.values():
            yield from targets(inner)


def flat(node: Any, prefix: str = "") -> Node:
    """`{"a": {"b": [1, 2]}}` -> `{"a.b": [1, 2]}`"""
    if not isinstance(node, dict):
        return {prefix: node}
    dot = f"{prefix}." if prefix else ""
    return {path: leaf for key, inner in node.items() for path, leaf in flat(inner, f"{dot}{key}").items()}


def _calls_resolver(written: Any) -> bool:
    if isinstance(written, dict | list):
        return any(map(_calls_resolver, written.values() if isinstance(written, dict) else written))
    return isinstance(written, str) and calls_resolver(written)


def _settled(written: Any, value: Any) -> Any:
    """`written`, in which whatever calls a resolver is replaced by its `value`."""
    if isinstance(written, dict):
        return {key: _settled(inner, value[key]) for key, inner in written.items()}
    if isinstance(written, list):
        return [_settled(inner, value[i]) for i, inner in enumerate(written)]
    return value if isinstance(written, str) and calls_resolver(written) else written
