"""The id of a run: a short hash of the configuration without its volatile parts. No torch in here."""

import hashlib
import json
import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

VOLATILE = (
    "hydra", "sweep", "report", "retry", "resume", "trial", "search", "logger", "floors", "checkpoint_every",
    "data.root", "data.download", "data.source.root", "data.source.download", "data.num_workers",
    "trainer.enable_progress_bar", "trainer.enable_model_summary",
)  # fmt: skip
"""Keys that say where and how a run is carried out, not what it computes: its id is the same on any machine."""


RESOLVER = re.compile(r"\$\{[^}]*:")
"""An interpolation that runs something: `${oc.env:HOME}`."""


def resolved(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain values, without Hydra's own part."""
    plain = OmegaConf.create({key: config._get_node(key) for key in config if key != "hydra"})
    return OmegaConf.to_container(plain, resolve=True)  # type: ignore[return-value]


def settled(config: DictConfig) -> DictConfig:
    """The configuration as it is written, but for what only this machine can answer, such as `${oc.env:HOME}`."""
    plain = OmegaConf.create({key: config._get_node(key) for key in config if key != "hydra"})
    return OmegaConf.create(_settled(OmegaConf.to_container(plain), resolved(config)))


def _settled(written: Any, value: Any) -> Any:
    if isinstance(written, dict):
        return {key: _settled(inner, value[key]) for key, inner in written.items()}
    if isinstance(written, list):
        return [_settled(inner, value[i]) for i, inner in enumerate(written)]
    return value if isinstance(written, str) and RESOLVER.search(written) else written


def without_volatile(plain: dict[str, Any]) -> dict[str, Any]:
    """The same dictionary, from which the keys of `VOLATILE` are taken out."""
    for key in VOLATILE:
        *parents, last = key.split(".")
        node: Any = plain
        for parent in parents:
            node = node.get(parent) or {}
        node.pop(last, None)
    return plain


def run_id(config: DictConfig) -> str:
    """8 hexadecimal digits of the SHA-256 of the resolved configuration, in which 0 and 0.0 are one number."""
    plain = _whole(without_volatile(resolved(config)))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]


def _whole(value: Any) -> Any:
    """The value with every whole float as an integer: the command line does not tell them apart."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def register_resolvers() -> None:
    """`${run_id:}` in the configuration; call it before Hydra composes one."""
    OmegaConf.register_new_resolver("run_id", lambda *, _root_: run_id(_root_), replace=True)
