"""How all pictures look: the colours of errors, on one scale, and the layout of grids.

No torch in here: it takes numpy's arrays and torch's tensors.
"""

from typing import Any

ERROR_SCALE = 0.5
"""The error that gets the full colour; the same in every picture, so that two can be compared."""
GAP, LEAST_SIDE = 2, 84
"""Pixels between the images of a grid, and of their shorter side: smaller images are enlarged, by whole factors"""


def signed_colours(error: Any) -> tuple[Any, Any, Any]:
    """Red, green and blue in [0, 1] of every error: white 0, red too bright, blue too dark, full at ±ERROR_SCALE."""
    level = error / ERROR_SCALE
    red, blue = level.clip(0, 1), (-level).clip(0, 1)
    return 1 - blue, 1 - red - blue, 1 - red
