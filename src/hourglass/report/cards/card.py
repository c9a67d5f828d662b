"""The card of one operator, one row of panels for each choice of its options, and the overview of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from hourglass.report.cards.canvas import AMOUNT, INK, LINES, PALE, POWER, SIGNED, Canvas, coloured
from hourglass.report.cards.probes import BINS, Probes
from hourglass.report.cards.untrained import Numbers, decibels, number
from hourglass.report.cards.variants import FACTOR, Group, Variant

WIDTH, MARGIN = 1800, 14
"""Pixels; shown at half the size, so that the letters are sharp on fine screens."""
SIDE, SMALL = 256, 224
"""Of a panel, on a card and in the overview; multiples of 32, so that every number is a square of whole pixels."""
HEADER, LABEL, CAPTION, GAP = 116, 40, 66, 36

TITLES: dict[Group, tuple[str, ...]] = {
    "decoder": (
        "impulse response", "values per pixel", "flat field in",
        "step edge in", "spectrum, noise in", "spectrum, smooth in",
    ),
    "encoder": (
        "seen by one value", "values per pixel", "flat field in",
        "step edge in", "gradient of flat", "power let through",
    ),
}  # fmt: skip
FLAT_REACH, STEP_REACH, POWER_RANGE = 2.0, 3.0, (-30.0, 20.0)

SIGNED_LABELS = (f"-{FLAT_REACH:.0f}", "mean", f"{FLAT_REACH:.0f} RMS")
POWER_LABELS = (f"{POWER_RANGE[0]:.0f}", "dB", f"+{POWER_RANGE[1]:.0f}")


@dataclass(frozen=True)
class Row:
    """All that is known of one variant."""

    variant: Variant
    probes: Probes
    numbers: Numbers
    params: int
    macs: int
    relative_macs: float
    """Against the reference, `resize` or `strided`."""


def card(rows: Sequence[Row]) -> Canvas:
    group, several = rows[0].variant.group, len(rows) > 1
    label = LABEL if several else 0
    height = MARGIN + HEADER + len(rows) * (label + SIDE + CAPTION)
    canvas, columns = Canvas(WIDTH, height), _columns(MARGIN, SIDE)
    _header(canvas, columns, MARGIN, SIDE, group)
    top = MARGIN + HEADER
    for row in rows:
        if several:
            suffix = "   (default)" if row.variant.is_default else ""
            canvas.text((MARGIN, top + 28), row.variant.option + suffix, 26)
        top += label
        _panels(canvas, columns, top, SIDE, row)
        for left, caption in zip(columns, _captions(row), strict=True):
            canvas.text((left + SIDE / 2, top + SIDE + 46), caption, 23, "ms", PALE)
        top += SIDE + CAPTION
    return canvas


def overview(groups: Mapping[Group, Sequence[Row]]) -> Canvas:
    """One row for each operator as `conf/` has it, the ways up first."""
    height = sum(HEADER + len(rows) * (SMALL + GAP) + GAP for rows in groups.values())
    canvas, columns = Canvas(WIDTH, MARGIN + height), _columns(262, SMALL)
    top = MARGIN
    for group, rows in groups.items():
        canvas.text((MARGIN, top + 36), "Ways up" if group == "decoder" else "Ways down", 36)
        _header(canvas, columns, top, SMALL, group)
        top += HEADER
        for row in rows:
            _panels(canvas, columns, top, SMALL, row)
            canvas.text((MARGIN, top + 24), row.variant.name, 27)
            facts = (row.variant.option, f"{row.params:,} params", f"{row.relative_macs:.2f}x MACs")
            for i, text in enumerate(fact for fact in facts if fact):
                canvas.text((MARGIN, top + 60 + 32 * i), text, 23, fill=PALE)
            top += SMALL + GAP
        top += GAP
    return canvas


def _columns(left: int, side: int) -> list[int]:
    count = len(TITLES["decoder"])
    gap = (WIDTH - MARGIN - left - count * side) / (count - 1)
    return [round(left + i * (side + gap)) for i in range(count)]


def _header(canvas: Canvas, columns: list[int], top: int, side: int, group: Group) -> None:
    """The title of each column, and its scale."""
    for left, title in zip(columns, TITLES[group], strict=True):
        canvas.text((left + side / 2, top + 26), title, 25, "ms", INK)
    top += 48
    canvas.scale(columns[0], top, side, SIGNED, ("-1", "0", "1"))
    canvas.scale(columns[1], top, side, AMOUNT, ("0", "mean", "twice"))
    canvas.scale(columns[2], top, side, SIGNED, SIGNED_LABELS)
    texts = ("a row", "the next") if group == "decoder" else ("edge", "1 px on")
    for x, colour, text in zip((0, 0.42 * side), LINES, texts, strict=True):
        canvas.draw.rectangle((columns[3] + x, top + 6, columns[3] + x + 22, top + 10), fill=colour)
        canvas.text((columns[3] + x + 30, top + 8), text, 21, "lm", PALE)
    canvas.text((columns[3], top + 40), "in RMS of flat field", 21, "ls", PALE)
    if group == "decoder":
        canvas.scale(columns[4], top, side, POWER, POWER_LABELS)
    else:
        canvas.scale(columns[4], top, side, SIGNED, SIGNED_LABELS)
    canvas.scale(columns[5], top, side, POWER, POWER_LABELS)


def _panels(canvas: Canvas, columns: list[int], top: int, side: int, row: Row) -> None:
    p = row.probes
    canvas.squares(columns[0], top, side, coloured(p.impulse, -1, 1, SIGNED))
    canvas.counts(columns[1], top, side, p.overlap, coloured(p.overlap / p.overlap.mean(), 0, 2, AMOUNT))
    canvas.squares(columns[2], top, side, coloured(p.flat, -FLAT_REACH, FLAT_REACH, SIGNED))
    canvas.stairs(columns[3], top, side, p.step, STEP_REACH)
    for level in (-2, 0, 2):
        y = top + side / 2 * (1 - level / STEP_REACH)
        canvas.text((columns[3] - 8, y), str(level), 20, "rm", PALE)
    if row.variant.group == "encoder":
        canvas.squares(columns[4], top, side, coloured(p.fifth, -FLAT_REACH, FLAT_REACH, SIGNED))
    else:
        _spectrum(canvas, columns[4], top, side, p.fifth, rings=True)
    _spectrum(canvas, columns[5], top, side, p.sixth, rings=row.variant.group == "decoder")


def _spectrum(canvas: Canvas, left: int, top: int, side: int, decibels: torch.Tensor, rings: bool) -> None:
    """DC at a quarter of each axis, the harmonic 1/2 at three quarters; rings around the harmonics of an Up."""
    canvas.squares(left, top, side, coloured(decibels, *POWER_RANGE, POWER))
    zero, half = ((BINS * share + 0.5) * side / BINS for share in (0.25, 0.75))
    if rings:
        canvas.rings(left, top, side / 16, [(zero, half), (half, zero), (half, half)])
    else:
        quarter = BINS // 4 * side // BINS
        box = (left + zero - quarter, top + zero - quarter, left + zero + quarter, top + zero + quarter)
        canvas.draw.rectangle(box, outline=(255, 255, 255), width=2)
    for at, label in ((zero, "0"), (half, "1/2")):
        canvas.text((left + at, top + side + 20), label, 20, "ms", PALE)


def _captions(row: Row) -> tuple[str, ...]:
    n, support = row.numbers, row.probes.impulse.abs().gt(1e-9).nonzero()
    height, width = (support.amax(0) - support.amin(0) + 1).tolist()
    phases = row.probes.overlap[:FACTOR, :FACTOR].flatten()
    even = bool((phases == phases.round()).all())
    overlap = ":".join(f"{v:.0f}" for v in sorted(phases.tolist(), reverse=True)) if even else "mean over channels"
    first = (f"{height} x {width} pixels", overlap)
    if row.variant.group == "encoder":
        share, aliased = n["gradient pattern"], n["aliased"]
        return (*first, "", "", f"pattern {number(share, 2)}", f"aliased {aliased:.0%}")
    white = f"PEI {number(n['white PEI'], 2)}, HP {decibels(n['white HP'], 0)} dB"
    smooth = f"PB {number(n['smooth PB'], 2)}, HP {decibels(n['smooth HP'], 0)} dB"
    return (*first, f"gain share {number(n['gain share'], 2)}", "", white, smooth)
