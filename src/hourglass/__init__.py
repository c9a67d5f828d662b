"""Hourglass: a laboratory for autoencoders, about how an image is brought down to a code and up again."""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("hourglass")
__all__ = ["Autoencoder", "load_data", "load_run"]  # noqa: F822  # they are made in __getattr__
_HOMES = {"Autoencoder": "hourglass.nn", "load_data": "hourglass.runs.load", "load_run": "hourglass.runs.load"}


def __getattr__(name: str) -> Any:
    """The public names import torch, which a typo on the command line must not wait for."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hourglass' has no attribute {name!r}")
