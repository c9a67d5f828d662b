"""The number of the format in which run and sweep folders are written, a promise from 0.2 on."""

from pathlib import Path
from typing import Any

from hourglass.core.errors import DataError

FORMAT = 1
"""In `summary.json` and `sweep.json`: raised when what a folder holds is written anew."""


def check_format(content: dict[str, Any], path: Path) -> None:
    """Raise DataError unless `content`, read from `path`, is of this version's format."""
    there = content.get("format")
    if there == FORMAT:
        return
    if there is None:
        raise DataError(
            f"{path} has no format number, so hourglass 0.1 or something else wrote it: run it again, or read it with "
            "the version that wrote it"
        )
    raise DataError(
        f"{path} has format {there}, and this version of hourglass reads {FORMAT}: use the version that wrote it, "
        "which versions in summary.json names"
    )
