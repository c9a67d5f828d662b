"""Annotations of parameters as a reader of a configuration sees them: `whole number ≥ 1` for `Count`."""

import inspect
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hydra.utils import get_object

PLAIN = {int: "whole number", float: "number", bool: "true, false", str: "text", NoneType: "null"}
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def words(annotation: Any) -> str:
    """`Annotated[int, Field(ge=1)] | None` -> `whole number ≥ 1, null`; empty where nothing is known."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return f"{words(inner[0])}{_range(inner[1:])}"
    if origin in (Union, UnionType):
        return ", ".join(dict.fromkeys(word for part in inner if (word := words(part))))
    if origin is Literal:
        return ", ".join(dict.fromkeys("null" if value is None else f"`{value}`" for value in inner))
    if origin in (list, tuple) or annotation in (list, tuple):
        kinds = dict.fromkeys(words(part) for part in inner if part is not Ellipsis)
        return f"list of {', '.join(kinds).replace('number', 'numbers')}" if inner else "list"
    if origin is dict or annotation is dict:
        return "keys and values"
    return PLAIN.get(annotation, "")


def _range(constraints: tuple[Any, ...]) -> str:
    limits = [limit for field in constraints for limit in getattr(field, "metadata", [])]
    found = [(sign, getattr(limit, name)) for limit in limits for name, sign in SIGNS.items() if hasattr(limit, name)]
    bounds = [f"{sign}\N{NO-BREAK SPACE}{_number(value)}" for sign, value in found]
    return f" {' and '.join(bounds)}" if bounds else ""


def _number(value: float) -> str:
    return "2³²" if value == 2**32 else f"{value:g}"


def of_part(node: Any, prefix: str, handed_down: tuple[str, ...] = ()) -> dict[str, Any]:
    """Dotted key -> annotation, of a part and of the parts in it, as `hourglass.config.parts` hands options to them.

    `handed_down`: full keys of the part around, which it does not take itself.
    """
    if not isinstance(node, dict):
        return {}
    if "_target_" not in node:
        nodes = {key: inner for key, inner in node.items() if isinstance(inner, dict)}
        return {path: a for key, inner in nodes.items() for path, a in of_part(inner, f"{prefix}{key}.").items()}
    parameters = inspect.signature(get_object(node["_target_"]), eval_str=True).parameters
    keys = [f"{prefix}{key}" for key in node if not str(key).startswith("_")]
    known = {path: parameters[name].annotation for path in (*keys, *handed_down)
             if (name := path.rsplit(".")[-1]) in parameters}  # fmt: skip
    others = tuple(path for path in (*keys, *handed_down) if path not in known)
    for key, inner in node.items():
        if isinstance(inner, dict) and "_target_" in inner:
            known |= of_part(inner, f"{prefix}{key}.", others)
    return known
