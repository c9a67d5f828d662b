"""Hourglass: a laboratory for autoencoders, about how an image is brought down to a code and up again."""

from importlib.metadata import version
from typing import Any

__version__ = version("hourglass")
__all__ = ["load_data", "load_run"]


def __getattr__(name: str) -> Any:
    """`load_run` and `load_data` import torch, which a typo on the command line must not wait for."""
    if name in __all__:
        from hourglass.runs import build

        return getattr(build, name)
    raise AttributeError(f"module 'hourglass' has no attribute {name!r}")
