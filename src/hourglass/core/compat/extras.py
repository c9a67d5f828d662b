"""Packages that only some extras of hourglass bring."""

import importlib
from typing import Any

from hourglass.core.errors import ConfigError


def imported(module: str, what: str, extra: str) -> Any:
    """The module; raises ConfigError where it, or a package that it imports, is not there.

    `what` begins the sentence, as in "a report needs"; the extra ends it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{what} {error.name}: pip install 'hourglass[{extra}]'") from None
