"""The colours of errors, one scale for all pictures. No torch in here: it takes numpy's arrays and torch's tensors."""

from typing import Any

ERROR_SCALE = 0.5
"""The error that gets the full colour; the same in every picture, so that two can be compared."""


def signed_colours(error: Any) -> tuple[Any, Any, Any]:
    """Red, green and blue in [0, 1] of every error: white 0, red too bright, blue too dark, full at ±ERROR_SCALE."""
    level = error / ERROR_SCALE
    red, blue = level.clip(0, 1), (-level).clip(0, 1)
    return 1 - blue, 1 - red - blue, 1 - red
