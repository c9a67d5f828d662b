"""`show.html`: a page that needs nothing else, with a slider over training. Needs the extra `report`."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hourglass.core.colours import ERROR_SCALE
from hourglass.core.files import replacing
from hourglass.report import html
from hourglass.report.page.images import Pixels, as_uri
from hourglass.report.show.slide import error_rgb, spectrum_rgb
from hourglass.report.show.story import Row, Spectrum, Story, as_rgb, decibels, spectrum

SIDES = (168, 255)
"""Pixels of the screen that the longer side of a picture takes at most, on a phone and on a wide screen"""


@dataclass(frozen=True)
class Panel:
    """A picture as large as it is: the page enlarges it."""

    role: str
    uri: str
    width: int
    height: int
    captions: list[str]
    marks: dict[int, list[tuple[float, float]]]
    """Of a spectrum: see `story.Spectrum`"""


def write(story: Story, path: Path) -> None:
    with replacing(path) as partial:
        partial.write_text(render(story), encoding="utf-8")


def render(story: Story) -> str:
    script = html.read(__package__, "show.js")
    longest = max(story.target.shape[1:])
    shown = spectrum(story.target, story.rows[0].strides)
    of_input = [_panel("input", as_rgb(story.target).numpy()), *_spectra(shown)]
    return (
        html.environment(__package__)
        .get_template("show.html")
        .render(
            story=story,
            of_input=of_input,
            networks=[(row, [_stage(story, row, time) for time in story.times]) for row in story.rows],
            names=[story.when(time) for time in story.times],
            strides=list(shown.marks) if shown else [],
            zooms=[max(1, side // longest) for side in SIDES],
            error_scale=ERROR_SCALE,
            style=html.read(__package__, "show.css"),
            script=script,
            hash=html.hash_of(f"\n{script}\n"),
        )
    )


def _stage(story: Story, row: Row, time: int) -> list[Panel]:
    """What there is of a network at one time."""
    output = row.at(time)
    mse, psnr = story.errors(output)
    captions = [f"MSE {mse:.4f}", f"PSNR {psnr:.1f} dB"]
    error = _panel("error", error_rgb(output - story.target))
    return [_panel("output", as_rgb(output).numpy(), captions), error, *_spectra(spectrum(output, row.strides))]


def _spectra(shown: Spectrum | None) -> list[Panel]:
    if shown is None:
        return []
    captions = [f"stride {stride}: {decibels(peak)}" for stride, peak in shown.peaks.items()]
    return [_panel("spectrum", spectrum_rgb(shown), captions, shown.marks)]


def _panel(
    role: str,
    pixels: Pixels,
    captions: list[str] | None = None,
    marks: dict[int, list[tuple[float, float]]] | None = None,
) -> Panel:
    height, width = pixels.shape[:2]
    return Panel(role, as_uri(Image.fromarray(pixels)), width, height, captions or [], marks or {})
