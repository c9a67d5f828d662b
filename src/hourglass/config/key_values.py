"""Command lines that are no grammar but KEY=VALUE, since file names may hold whatever file names may hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hourglass.config.compose import read_options
from hourglass.config.slots import packages_in
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import command, meant


@dataclass(frozen=True)
class OfRun:
    """Options of a command about what was trained."""

    run: str

    @property
    def folder(self) -> Path:
        """Of the run; of several, where a command takes them."""
        return expanded(self.run)


def read_key_values(name: str, arguments: Sequence[str], several: str | None = None, hint: str = "") -> dict[str, Any]:
    """`conf/<name>.yaml` with what the command line says; `several`: the key that may be given more than once.

    Raises ConfigError for an option that the command does not have (`hint` follows), for one given twice, and where one
    that must be given is missing.
    """
    values = read_options(name)
    given: dict[str, list[str]] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in values:
            near = "" if key in values else meant(key, values, sign="=")
            options = ", ".join(f"{option}=" for option in values)
            raise ConfigError(f"{argument}: {name} has the options {options}{f' ({near})' if near else ''}{hint}")
        given.setdefault(key, []).append(value)
    if several in given:
        values[several] = given.pop(several)
    if "trust" in values:
        values["trust"] = packages_in(given.pop("trust", []))
    for key, texts in given.items():
        if len(texts) > 1:
            raise ConfigError(f"{key} is given {len(texts)} times: give it once")
        values[key] = _value(texts[0], values[key])
    for key, value in values.items():
        if value == "???":
            raise ConfigError(f"{key}= is missing; {command(name)} --help tells what it is")
    return values


def _value(text: str, default: Any) -> Any:
    """A switch, or the number that it stands for; all else is text."""
    if isinstance(default, bool) and text in ("true", "false"):
        return text == "true"
    is_number = isinstance(default, int) and not isinstance(default, bool) and text.isdecimal() and len(text) < 10
    return int(text) if is_number else text
