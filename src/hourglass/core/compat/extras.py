"""Packages that only some extras of hourglass bring."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hourglass.core.errors import ConfigError

REPORT = ("jinja2", "matplotlib", "pandas", "plotly", "scipy")
"""Packages of the extra `report`"""


def imported(module: str, what: str, extra: str) -> Any:
    """The module; raises ConfigError where it, or a package that it imports, is not there.

    `what` begins the sentence, as in "a report needs"; the extra ends it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{what} {error.name}: pip install 'hourglass[{extra}]'") from None


@contextmanager
def needing_report(what: str) -> Iterator[None]:
    """Where a package of the extra `report` is not there, ConfigError; `what` begins the sentence, as in `imported`."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name in REPORT:
            raise ConfigError(f"{what} {error.name}: pip install 'hourglass[report]'") from None
        raise
