"""Configured values against signatures: every one has the type and the range that its parameter states."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from hourglass.core.errors import ConfigError

Values = TypeVar("Values")
OBJECT = "needs_python_object"
"""Pydantic's name of the problem that no value of YAML is an object of a class."""


def check(value: Any, annotation: Any, path: str) -> None:
    """Raise ConfigError unless `value`, as YAML gave it, is of the annotated type and in its range."""
    if annotation is inspect.Parameter.empty:
        return
    try:
        _adapter(annotation).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = min(error.errors(), key=lambda problem: problem["type"] == OBJECT)
        where = "".join(f"[{part}]" for part in first["loc"] if isinstance(part, int))
        message = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        if first["type"] == OBJECT:
            message = f"a part belongs there, chosen in conf/{path.split('.')[0]}"
        raise ConfigError(f"{path}{where}={first['input']}: {message}") from None


def checked(kind: type[Values], node: Mapping[str, Any], path: str) -> Values:
    """A dataclass from the entries of `node` that it has fields for, each checked against its annotation."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if missing := [name for name in names if name not in node]:
        raise ConfigError(f"{path}{'.' if path else ''}{missing[0]} is missing")
    values = {name: node[name] for name in names}
    for name, annotation in get_type_hints(kind, include_extras=True).items():
        check(values[name], annotation, f"{path}.{name}" if path else name)
    return kind(**values)


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config={"arbitrary_types_allowed": True})
