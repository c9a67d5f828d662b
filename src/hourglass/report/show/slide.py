"""`show.png`: a row for each network, every pixel a square, letters for a slide. Needs the extra `report`."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform
from PIL import Image
from torch import Tensor

from hourglass.core.colours import ERROR_SCALE, signed_colours
from hourglass.core.files import replacing
from hourglass.data import pictures
from hourglass.report.cards.card import INK, PALE, POWER
from hourglass.report.page.images import Pixels
from hourglass.report.show.story import Row, Spectrum, Story, as_rgb, decibels, spectrum

SIDE, GAP, MARGIN, CAPTION, NAME, HEAD, FOOT = 224, 26, 44, 88, 58, 184, 176
"""Pixels: about the longer side of a panel; what is between two and around all; what is below a panel, above it, above
the first row and below the last"""
TEXT, NAMES, TITLE, LINE = 25, 30, 40, 33
"""Pixels: sizes of letters, and from line to line. Half as large, as in a text, they can still be read."""
STAGES = 4
"""Outputs shown at most: the untrained one, the last, and some between them"""
RINGS = (13, 7)
"""Radius of the marks of the first stride, and of the second"""


def draw(story: Story, path: Path) -> None:
    with rc_context({"font.family": "DejaVu Sans", "text.color": INK}):
        canvas = FigureCanvasAgg(_Slide(story).figure)
        canvas.draw()
    with replacing(path) as partial:
        Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).save(partial, "PNG", optimize=True)


def zoom_of(size: tuple[int, int], side: int = SIDE) -> int:
    """By which whole factor an image of this size is enlarged, to be about `side` pixels."""
    return max(1, round(side / max(size)))


def chosen(times: list[int], most: int = STAGES) -> list[int]:
    """The first, the last, and some between them, evenly in their order."""
    step = -(-(len(times) - 1) // (most - 1)) or 1
    return [times[0], *times[len(times) - 1 : 0 : -step][::-1]]


def error_rgb(error: Tensor) -> Pixels:
    """(C, H, W) -> (H, W, 3): red too bright, blue too dark."""
    colours: Pixels = as_rgb(pictures.signed_colours(error[None])[0]).numpy()
    return colours


def spectrum_rgb(shown: Spectrum) -> Pixels:
    """(h, w, 3)"""
    colours, low, high, _ = POWER
    rgba: Pixels = colormaps.get_cmap(colours)((shown.decibels.numpy() - low) / (high - low), bytes=True)
    return rgba[..., :3]


class _Slide:
    """In pixels from the left and the top: on the left the input, then for each network its outputs, error, spectra."""

    def __init__(self, story: Story) -> None:
        self.story, size = story, (story.target.shape[1], story.target.shape[2])
        self.zoom = zoom_of(size)
        self.high, self.wide = size[0] * self.zoom, size[1] * self.zoom
        self.step = max(self.wide, SIDE - 20) + GAP
        self.row = NAME + self.high + CAPTION
        self.times = chosen(story.times)
        self.ends = list(dict.fromkeys((0, self.times[-1])))
        one = len(story.rows) == 1
        self.references = 1 + one  # columns of the input: it has its spectrum below it, or beside it
        columns = self.references + len(self.times) + 1 + len(self.ends)
        self.width = 2 * MARGIN + max(columns * self.step, 1400)
        self.height = HEAD + NAME + self.row * len(story.rows) + FOOT
        self.figure = Figure((self.width / 72, self.height / 72), dpi=72, facecolor="white")
        title = "The way up, before and after training" if self.times[-1] else "The way up, before training"
        self._text(MARGIN, MARGIN, title, size=TITLE, weight="bold")
        self._text(MARGIN, MARGIN + 58, f"{story.what}; {story.how}", colour=PALE)
        top = HEAD + NAME
        self._panel(0, top + NAME, as_rgb(story.target).numpy(), [], "input", NAMES)
        spectrum_of_input = spectrum(story.target, story.rows[0].strides)
        if spectrum_of_input:
            self._spectrum(int(one), top + NAME + (0 if one else self.row), spectrum_of_input, "its spectrum")
        self._heads(top, spectrum_of_input is not None)
        for i, each in enumerate(story.rows):
            self._network(each, top + self.row * i)
        self._legend(top + self.row * len(story.rows) + 24, spectrum_of_input)

    def _heads(self, top: int, has_spectrum: bool) -> None:
        """Above the columns: what they show, and of which time."""
        outputs = self.references
        heads = {outputs: "output", outputs + len(self.times): "error"}
        if has_spectrum:
            heads[outputs + len(self.times) + 1] = "spectrum"
        for column, head in heads.items():
            self._text(self._left(column), top - 2 * LINE - 8, head, weight="bold")
        times = [*self.times, self.times[-1], *(self.ends if has_spectrum else ())]
        for column, time in enumerate(times, outputs):
            self._text(self._left(column), top - LINE - 6, self.story.when(time), colour=PALE)

    def _network(self, row: Row, top: int) -> None:
        first = self.references
        left = self._left(first)
        self._rule(left, top)
        name = self._text(left, top + 12, row.name, size=NAMES, weight="bold")
        box = name.get_window_extent(FigureCanvasAgg(self.figure).get_renderer())
        self._text(round(box.x1) + 24, top + 16, row.note, colour=PALE)
        for column, time in enumerate(self.times, first):
            mse, psnr = self.story.errors(row.at(time))
            captions = [f"MSE {mse:.4f}", f"PSNR {psnr:.1f} dB"]
            self._panel(column, top + NAME, as_rgb(row.at(time)).numpy(), captions)
        column = first + len(self.times)
        self._panel(column, top + NAME, error_rgb(row.at(self.times[-1]) - self.story.target), [])
        for i, time in enumerate(self.ends):
            if shown := spectrum(row.at(time), row.strides):
                self._spectrum(column + 1 + i, top + NAME, shown)

    def _spectrum(self, column: int, top: int, shown: Spectrum, title: str = "") -> None:
        self._panel(column, top, spectrum_rgb(shown), [], title)
        left, below = self._left(column), top + self.high + 12
        for i, (radius, places) in enumerate(zip(RINGS, shown.marks.values(), strict=False)):
            for y, x in places:
                self._ring(left + (x + 0.5) * self.zoom, top + (y + 0.5) * self.zoom, radius)
            self._ring(left + RINGS[0] + 2, below + LINE * i + TEXT / 2 + 2, radius, on_white=True)
        for i, peak in enumerate(shown.peaks.values()):
            self._text(left + 2 * RINGS[0] + 16, below + LINE * i, decibels(peak), colour=PALE)

    def _legend(self, top: int, shown: Spectrum | None) -> None:
        left, right = MARGIN, MARGIN + 220
        self._rule(MARGIN, top - 16)
        ramp = np.stack(signed_colours(np.linspace(-ERROR_SCALE, ERROR_SCALE, 190)), -1)
        self._image(np.repeat(np.rint(255 * ramp).astype(np.uint8)[None], 20, 0), left, top + 4)
        full = f"full colour at ±{ERROR_SCALE}"
        self._text(right, top, f"error: output less input; red is too bright, blue too dark, {full}")
        if shown is None:
            return
        colours, low, high, _ = POWER
        ramp = colormaps.get_cmap(colours)(np.linspace(0, 1, 190), bytes=True)[:, :3]
        self._image(np.repeat(ramp[None], 20, 0), left, top + 46)
        self._text(right, top + 42, f"spectrum: power by frequency, from {low} to +{high} dB about its mean")
        for i, radius in enumerate(RINGS[: len(shown.marks)]):
            self._ring(left + RINGS[0] + 2 + 42 * i, top + 98, radius, on_white=True)
        periods = " (large) or ".join(map(str, shown.marks)) + (" (small)" if len(shown.marks) > 1 else "")
        where = f"power of a pattern of period {periods} pixels; in dB: above its neighbours"
        self._text(right, top + 84, where)

    def _left(self, column: int) -> int:
        return MARGIN + column * self.step + (GAP if column >= self.references else 0)

    def _panel(
        self, column: int, top: int, pixels: Pixels, captions: list[str], title: str = "", size: int = TEXT
    ) -> None:
        left = self._left(column)
        enlarged = pixels.repeat(self.zoom, 0).repeat(self.zoom, 1)
        self._image(np.pad(enlarged, ((2, 2), (2, 2), (0, 0)), constant_values=208), left - 2, top - 2)
        if title:
            self._text(left, top - size - 14, title, size=size, weight="bold" if size > TEXT else "normal")
        for i, caption in enumerate(captions):
            self._text(left, top + self.high + 12 + LINE * i, caption, colour=PALE)

    def _image(self, pixels: Pixels, left: int, top: int) -> None:
        self.figure.figimage(pixels, left, self.height - top - len(pixels), origin="upper")

    def _text(
        self, left: float, top: float, text: str, *, size: int = TEXT, colour: str = INK, weight: str = "normal"
    ) -> Text:
        return self.figure.text(
            left, self.height - top, text, va="top", fontsize=size, color=colour, weight=weight,
            transform=IdentityTransform(),
        )  # fmt: skip

    def _ring(self, x: float, y: float, radius: int, *, on_white: bool = False) -> None:
        for width, colour in [(2.6, INK)] if on_white else [(5, "#00000090"), (2.6, "white")]:
            ring = Circle((x, self.height - y), radius, fill=False, ec=colour, lw=width, transform=IdentityTransform())
            self.figure.add_artist(ring)

    def _rule(self, left: int, top: int) -> None:
        self._image(np.full((2, self.width - MARGIN - left, 3), 208, np.uint8), left, top)
