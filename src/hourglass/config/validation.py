"""Configuration against signatures: every value has the type and the range that the parameter it goes to states."""

import inspect
import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hourglass.core.errors import ConfigError

Node = dict[str, Any]


def arguments(node: Node, raw: Node, target: Callable[..., Any], path: str) -> Node:
    """The entries of `node` that `target` takes, each checked against its annotation; raises ConfigError.

    `raw` is the node before interpolation: an entry that `target` does not take must be read by a part inside the node,
    as `${..key}`; so `decoder.kernel_size` reaches the operator in `decoder.up`, and nothing is without effect.
    """
    parameters = inspect.signature(target, eval_str=True).parameters
    taken: Node = {}
    for key, value in node.items():
        if key.startswith("_"):
            continue
        if key not in parameters:
            if not read_inside(raw, key):
                raise ConfigError(
                    f"{path}.{key}: {target.__qualname__} has no such option; it has {options(parameters)}"
                )
        else:
            if not (isinstance(value, dict) and "_target_" in value):
                check(value, parameters[key].annotation, f"{path}.{key}")
            taken[key] = value
    return taken


def check(value: Any, annotation: Any, path: str) -> None:
    """Raise ConfigError unless `value`, as YAML gave it, is of the annotated type and in its range."""
    if annotation is inspect.Parameter.empty:
        return
    try:
        adapter = TypeAdapter(annotation, config={"arbitrary_types_allowed": True})
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        problems = error.errors()
        first = min(problems, key=lambda problem: problem["type"] == "is_instance_of")
        where = "".join(f"[{part}]" for part in first["loc"] if isinstance(part, int))
        raise ConfigError(f"{path}{where}={first['input']}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def read_inside(raw: Node, key: str) -> bool:
    """Does a node inside `raw` read this entry by a relative interpolation?"""
    inside = json.dumps([value for value in raw.values() if isinstance(value, dict)])
    return re.search(r"\$\{\.\." + re.escape(key) + r"\}", inside) is not None


def options(parameters: Any) -> str:
    return ", ".join(name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY) or "none"
