"""The page of the report, in a real browser: sorting, filtering, the slider, one image large."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from hourglass.report.analysis.review import review
from hourglass.report.reading import runs

pytestmark = pytest.mark.xdist_group("report_page")  # one page and one browser for all

CONFIGURATIONS = 4


def test_sorts_by_any_column_with_the_keyboard_too(opened: Page) -> None:
    heading = opened.locator('#board th[data-column="test/psnr"]')
    column = (
        "[...document.querySelectorAll(\"#board td[data-column='test/psnr']\")].map(cell => Number(cell.dataset.v))"
    )
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    ascending = opened.evaluate(column)
    assert ascending == sorted(ascending)
    opened.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert opened.evaluate(column) == ascending[::-1]
    assert opened.locator('#board th[aria-sort]:not([aria-sort="none"])').count() == 1


def test_filters_and_chooses_columns(opened: Page) -> None:
    rows = opened.locator("#board tbody tr:visible")
    opened.locator("#filter").fill("strided transpose")
    expect(rows).to_have_count(1)
    expect(opened.locator("#count")).to_have_text(f"1 of {CONFIGURATIONS} configurations")
    opened.locator("#filter").fill("")
    expect(rows).to_have_count(CONFIGURATIONS)
    hidden = opened.locator('#board th[data-column="init/phase_bias_4"]')
    expect(hidden).to_be_hidden()
    opened.locator("details.chooser summary").click()
    opened.locator('input[value="init/phase_bias_4"]').check()
    expect(hidden).to_be_visible()
    expect(hidden).to_contain_text("real images 0.004")
    opened.keyboard.press("Escape")
    expect(opened.locator("details.chooser > div")).to_be_hidden()


def test_the_slider_moves_from_reconstruction_to_input(opened: Page, page_folder: Path) -> None:
    """Read off the screen, pixel by pixel: left of the cut every image is the input, right of it the output."""
    opened.add_style_tag(content=".tiles::after { content: none !important } .bar { position: static !important }")
    row = opened.locator("table.pictures:visible tr[data-config]").first
    label = row.locator(".name").inner_text().replace("\n", "")
    kept = review(runs.read(page_folder)).pictured[label].examples()
    assert kept
    slider = opened.locator("input.cut").first
    for key, cut in {"Home": 0, "End": 28}.items():
        slider.press(key)
        assert on_screen(row.locator(".tiles.output")) == cut_at(cut, kept)
    slider.fill("50")
    assert on_screen(row.locator(".tiles.output")) == cut_at(14, kept)
    slider.fill("0")


def cut_at(column: int, kept: dict[str, np.ndarray]) -> list[list[int]]:
    images = kept["output"][:8, 0].copy()
    images[..., :column] = kept["input"][:8, 0, :, :column]
    return np.concatenate(list(images), axis=-1).tolist()


def on_screen(strip: Locator, zoom: int = 4) -> list[list[int]]:
    """The middle of the square that shows each pixel."""
    shown = Image.open(io.BytesIO(strip.screenshot())).convert("L")
    return np.asarray(shown)[zoom // 2 :: zoom, zoom // 2 :: zoom][:28, : 8 * 28].tolist()


def test_one_image_large_in_all_configurations(opened: Page) -> None:
    button = opened.locator("table.pictures:visible button[data-tile]").nth(2)
    button.press("Enter")
    dialog = opened.locator("dialog")
    expect(dialog.locator("h3")).to_have_text("Test image 2, 8× each pixel")
    assert dialog.locator("figure").count() == CONFIGURATIONS + 2
    tile = dialog.locator(".tile").first
    assert tile.bounding_box()["width"] == 8 * 28  # type: ignore[index]
    assert tile.evaluate("tile => getComputedStyle(tile).imageRendering") == "pixelated"
    opened.keyboard.press("ArrowRight")
    expect(dialog.locator("h3")).to_have_text("Test image 3, 8× each pixel")
    opened.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert button.evaluate("button => button === document.activeElement")


def test_no_complaint_and_no_request(opened: Page, problems: list[str]) -> None:
    """Last: of all that the tests above have done."""
    assert problems == []
