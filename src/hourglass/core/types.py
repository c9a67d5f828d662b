"""Shapes, and numbers with the range that they must lie in.

A parameter annotated with one of the ranges states which configured values it takes: `hourglass.config.validation`
refuses all others, with the name of the option. No torch here: the configuration is checked before it is imported.
"""

from typing import Annotated

from pydantic import Field

Shape = tuple[int, ...]
"""(C, H, W) of an image or a feature map, (D,) of a flat code; never with the batch dimension."""

Size2d = tuple[int, int]
"""(H, W), pixels."""

Count = Annotated[int, Field(ge=1)]
"""A number of things of which there must be one at least."""

Size = Annotated[int, Field(ge=0)]
"""A number of things of which there may be none."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Factor = Annotated[int, Field(ge=2)]
"""By how much an operator changes each side of the grid."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Probability = Annotated[float, Field(ge=0, le=1)]

Channels = Annotated[list[Count], Field(min_length=1)]
"""Widths of the stages, from the image to the code."""
