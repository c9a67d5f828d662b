"""Small drawings for the cells of tables: dots of seeds with their interval, as inline SVG."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hourglass.core.text import number

WIDTH, HEIGHT = 108, 14


@dataclass(frozen=True)
class Scale:
    """Values onto the width of a drawing; what lies outside is drawn at its edge."""

    least: float
    greatest: float
    width: int = WIDTH

    @classmethod
    def over(cls, values: Iterable[float], width: int = WIDTH) -> "Scale":
        finite = [value for value in values if math.isfinite(value)] or [0.0]
        margin = 0.06 * (max(finite) - min(finite)) or abs(finite[0]) * 0.1 or 1.0
        return cls(min(finite) - margin, max(finite) + margin, width)

    def __call__(self, value: float) -> float:
        share = (value - self.least) / (self.greatest - self.least)
        return round(min(max(share, 0.0), 1.0) * self.width, 1)


def strip(
    scale: Scale, values: Sequence[float], mean: float, half: float, *, real: float | None = None, zero: bool = False,
    margin: float = math.nan, inner: float = math.nan,
) -> Markup:  # fmt: skip
    """Every seed a dot, the mean a tick, its interval a line; `real` dashed, `zero` a line at 0; a band within
    ±`margin` of 0, and half the interval that is held against it, `inner`, as a thicker line."""
    middle, paths = HEIGHT / 2, []
    if math.isfinite(margin):
        paths.append(f'<path class="margin" d="M{scale(-margin)} -2H{scale(margin)}V{HEIGHT + 2}H{scale(-margin)}Z"/>')
    if zero:
        paths.append(f'<path class="zero" d="M{scale(0)} -2V{HEIGHT + 4}"/>')
    if real is not None and math.isfinite(real):
        paths.append(f'<path class="real" d="M{scale(real)} 0V{HEIGHT}"/>')
    if math.isfinite(mean) and math.isfinite(half):
        paths.append(f'<path class="interval" d="M{scale(mean - half)} {middle}H{scale(mean + half)}"/>')
    if math.isfinite(margin) and math.isfinite(inner):
        paths.append(f'<path class="inner" d="M{scale(mean - inner)} {middle}H{scale(mean + inner)}"/>')
    dots = "".join(f"M{scale(value)} {middle}h0" for value in values if math.isfinite(value))
    paths.append(f'<path class="dots" d="{dots}"/>')
    if math.isfinite(mean):
        paths.append(f'<path class="mean" d="M{scale(mean)} 2V{HEIGHT - 2}"/>')
    return _svg(paths, scale.width, HEIGHT)


def axis(scale: Scale) -> Markup:
    """Ticks of the scale that the drawings above it share."""
    span = scale.greatest - scale.least
    step = 10 ** math.floor(math.log10(span))
    step = next(s for s in (step / 2, step, 2 * step, 5 * step) if span / s <= 4.5)
    ticks = [k * step for k in range(math.ceil(scale.least / step), math.floor(scale.greatest / step) + 1)]
    marks = [
        f'<path class="zero" d="M{scale(tick)} 0v4"/>'
        f'<text x="{scale(tick)}" y="14" text-anchor="middle">{number(tick)}</text>'
        for tick in ticks
    ]
    return _svg([f'<path class="zero" d="M0 0H{scale.width}"/>', *marks], scale.width, 16)


def _svg(parts: Iterable[str], width: int, height: int) -> Markup:
    """Hidden from screen readers: the numbers stand beside it. Numbers only go in, so there is nothing to escape."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    svg = f'<svg class="strip" {size} fill="none" aria-hidden="true">{"".join(parts)}</svg>'
    return Markup(svg)  # nosec B704 # numbers
