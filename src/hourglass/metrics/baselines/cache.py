"""A baseline is computed once for the same data and parameters."""

import hashlib
import json
import logging
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from hourglass.core.files import replacing
from hourglass.metrics.baselines.pixels import BLOCK_SIZE

FORMULA_VERSION = 1
"""Part of every key: raise it when the definition of a baseline changes, so that old files no longer match."""
Value = TypeVar("Value")
log = logging.getLogger(__name__)


def cached(
    folder: str | Path | None,
    function: Callable[..., Value],
    *args: Tensor | float | str | None,
    read: Callable[[Any], Value] = float,  # type: ignore[assignment]
) -> Value:
    """function(*args), kept in folder/<sha256 of the name and all arguments>.json; folder None computes every time.

    `read` checks what the file holds, and raises ValueError or TypeError where that is no such value.
    """
    if folder is None:
        return function(*args)
    path = Path(folder) / f"{_key(function, args)}.json"
    try:
        return read(json.loads(path.read_text(encoding="utf-8"))["value"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("cannot read the cached baseline %s (%r): computing it again", path, error)
    value = function(*args)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(json.dumps({"baseline": function.__qualname__, "value": value}), encoding="utf-8")
    except OSError as error:
        log.warning("cannot keep the baseline in %s (%r): it will be computed again", path, error)
    return value


def _key(function: Callable[..., object], args: tuple[Tensor | float | str | None, ...]) -> str:
    digest = hashlib.sha256(f"{FORMULA_VERSION} {function.__module__}.{function.__qualname__}".encode())
    for arg in args:
        if isinstance(arg, Tensor):
            digest.update(_content(arg))
        else:
            digest.update(f"|{arg!r}|".encode())
    return digest.hexdigest()


_contents: MutableMapping[Tensor, tuple[int, bytes]] = WeakIdKeyDictionary()
"""Of the tensors that are there: their version when they were read, and what was found"""


def _content(images: Tensor) -> bytes:
    """SHA-256 of type, shape and content; several baselines of the same images read them once."""
    version, known = _contents.get(images, (-1, b""))
    if version != images._version:
        digest = hashlib.sha256(f"{images.dtype} {tuple(images.shape)}|".encode())
        for block in images.detach().split(max(1, BLOCK_SIZE // max(1, images[:1].numel()))):
            digest.update(block.cpu().reshape(-1).view(torch.uint8).numpy().data)
        known = digest.digest()
        _contents[images] = images._version, known
    return known
