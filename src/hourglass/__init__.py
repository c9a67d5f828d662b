"""Hourglass: a laboratory for autoencoders, about how an image is brought down to a code and up again."""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("hourglass")
_HOMES = {
    "Autoencoder": "hourglass.nn",
    "from_pretrained": "hourglass.runs.export.pretrained",
    "load_data": "hourglass.runs.load",
    "load_run": "hourglass.runs.load",
    "save_pretrained": "hourglass.runs.export.pretrained",
}
__all__ = ["Autoencoder", "from_pretrained", "load_data", "load_run", "save_pretrained"]  # noqa: F822  # in __getattr__


def __getattr__(name: str) -> Any:
    """The public names import torch, which a typo on the command line must not wait for."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hourglass' has no attribute {name!r}")
