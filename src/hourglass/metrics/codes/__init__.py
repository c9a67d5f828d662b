"""What a code is worth: what can be read off it, and how images made from it compare with real ones.

The extra `probe` brings what is needed.
"""

import importlib
from typing import Any

from hourglass.core.errors import ConfigError


def optional(module: str) -> Any:
    """A module of scikit-learn or zuko; raises ConfigError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(f"probes and samplers need {error.name}: pip install 'hourglass[probe]'") from None
