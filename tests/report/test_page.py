"""The page of the report, in a real browser with the network off."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from helpers import sweep_folders
from hourglass.report.analysis.review import review
from hourglass.report.page import render as page
from hourglass.report.reading import runs

pytestmark = pytest.mark.xdist_group("report_page")  # one page and one browser for all

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
NAME = "resize<img src=x onerror='window.hacked=1'>"
CONFIGURATIONS, RUNS, LOST = 4, 21, 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 encoders × 2 decoders × 6 seeds, noisy inputs, evaluations; one decoder's name and one error are hostile."""
    root = sweep_folders.make(
        tmp_path_factory.mktemp("report") / "example",
        ["encoder=maxpool", "encoder=strided"], ["decoder=transpose", "decoder=resize"], seeds=range(6),
    )  # fmt: skip
    folders = [path for path in sorted(root.iterdir()) if path.is_dir()]
    for path in folders:
        summary = json.loads((path / "summary.json").read_text())
        if summary["choices"]["decoder"] == "resize":
            summary["choices"]["decoder"] = NAME
        for level in (0.1, 0.5):
            evaluation = {"id": str(level), "corruption": {"kind": "gaussian", "level": level}, "data": "mnist5k"}
            evaluation["metrics"] = {"test/mse": level * summary["metrics"]["test/mse"]}
            (path / "evaluations").mkdir(exist_ok=True)
            (path / "evaluations" / f"{level}.json").write_text(json.dumps(evaluation))
        (path / "summary.json").write_text(json.dumps(summary))
        kept = dict(np.load(path / "examples.npz"))
        noise = np.random.default_rng(0).integers(0, 100, kept["input"].shape)
        np.savez_compressed(
            path / "examples.npz", **{**kept, "input": np.maximum(kept["input"], noise).astype(np.uint8)}
        )
    sweep_folders.spoil(folders[0], "failed", HOSTILE)
    sweep_folders.spoil(folders[1], "diverged", "the loss became nan at step 20")
    shutil.rmtree(folders[2])
    return root


@pytest.fixture(scope="module")
def html(folder: Path) -> Path:
    path = folder / "report.html"
    page.write(review(runs.read(folder)), path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "these tests look at the page in a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


problems: list[str] = []
"""What the page complains about, and what it asks the network for."""


@pytest.fixture(scope="module")
def opened(browser: Browser, html: Path) -> Page:
    """The page in light on a screen 1280 pixels wide, with the network off."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce", offline=True
    )
    tab = context.new_page()
    tab.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: None if request.url[:5] in ("file:", "data:") else problems.append(request.url))
    tab.goto(html.as_uri())
    return tab


def draw_all(tab: Page) -> None:
    for plot in tab.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        expect(plot).to_have_attribute("data-drawn", "yes", timeout=20_000)


def test_the_answer_stands_first_and_names_what_is_missing(opened: Page) -> None:
    expect(opened.locator("h1")).to_have_text(re.compile("encoder=maxpool, decoder=transpose"))
    said = opened.locator("#answer").inner_text()
    assert "not enough seeds" in said  # 3 comparisons of at most 6 seeds
    assert f"{LOST} of {RUNS + LOST} jobs have no result: 1 planned, 1 failed, 1 diverged; which" in said.replace(
        "\n", " "
    )
    assert opened.title() == "example · Hourglass report"
    best = opened.locator("#board tbody tr").first
    expect(best).to_contain_text("best mean")
    tags = opened.locator("#board .tag.warn").all_inner_texts()
    assert sorted(tag.split(" seeds ")[1] for tag in tags) == ["diverged", "failed", "planned"]


def test_the_comparison_fits_the_screen_and_the_numbers_are_explained(opened: Page) -> None:
    table = opened.locator('[aria-label="Table of the comparison"]')
    assert table.evaluate("region => region.scrollWidth - region.clientWidth") == 0
    assert table.locator("thead th").last.inner_text().startswith("Verdict")
    glossary = opened.locator("details.glossary")
    expect(glossary.locator("dl")).to_be_hidden()
    glossary.locator("summary").click()
    meaning = "Share of an image's variance that is a pattern of the stride's period"
    expect(glossary.locator("div", has_text="phase bias, stride s")).to_contain_text(meaning)
    glossary.locator("summary").click()


def test_what_files_hold_is_text(opened: Page) -> None:
    assert HOSTILE in opened.locator("#provenance").inner_text()
    assert NAME in opened.locator("#board").inner_text()
    assert opened.evaluate("window.hacked") is None


def test_figures_are_drawn_from_the_page_itself(opened: Page) -> None:
    draw_all(opened)
    assert opened.locator(".plot").count() == 4
    lines = opened.locator("#plot-curves .scatterlayer .trace")
    assert lines.count() == 2 * 2 * CONFIGURATIONS  # two losses, each a mean and a band
    opened.locator("select[data-figure=curves]").select_option("over seconds")
    expect(opened.locator("#plot-curves .xtitle")).to_have_text(re.compile("seconds"))
    expect(opened.locator("#plot-spectra .annotation-text")).to_have_text(["¼", "¼,¼", "½", "½,¼", "½,½"])
    assert opened.evaluate("window.hacked") is None
    box = opened.locator("input[name=show]").first
    box.uncheck()
    expect(lines).to_have_count(2 * 2 * (CONFIGURATIONS - 1))
    expect(opened.locator("tr[data-config]:visible")).to_have_count(CONFIGURATIONS - 1)
    box.check()
    expect(lines).to_have_count(2 * 2 * CONFIGURATIONS)


def test_every_image_loads(opened: Page) -> None:
    for choice in ("worst", "median", "best", "same"):
        opened.locator("select[data-choose=set]").select_option(choice)
    sizes = opened.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(sizes) == 2 + 2 * CONFIGURATIONS + 3 * 3 * CONFIGURATIONS
    assert set(sizes) == {8 * 28, 4 * 28}
    over = opened.evaluate("getComputedStyle(document.querySelector('.over')).backgroundImage")
    assert over.startswith('url("data:image/png')


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


def test_the_slider_moves_from_reconstruction_to_input(opened: Page, folder: Path) -> None:
    """Read off the screen, pixel by pixel: left of the cut every image is the input, right of it the output."""
    opened.add_style_tag(content=".tiles::after { content: none !important } .bar { position: static !important }")
    row = opened.locator("table.pictures:visible tr[data-config]").first
    label = row.locator(".name").inner_text().replace("\n", "")
    kept = review(runs.read(folder)).pictured[label].examples()
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_violation_of_accessibility(opened: Page, theme: str) -> None:
    if opened.evaluate("dark()") != (theme == "dark"):
        opened.locator("#theme").click()
    text = opened.evaluate("getComputedStyle(document.body).color")
    assert (sum(map(int, re.findall(r"\d+", text)[:3])) > 384) == (theme == "dark")
    opened.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = Axe().run(opened).response["violations"]
    opened.evaluate("document.querySelectorAll('details').forEach(details => details.open = false)")
    bad = [v for v in found if v["impact"] in ("serious", "critical") or v["id"] == "landmark-unique"]
    assert not {v["id"]: [n["html"] for n in v["nodes"]][:3] for v in bad}


def test_on_a_phone_nothing_is_wider_than_the_screen(opened: Page) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    opened.locator("details.chooser summary").click()
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    right = opened.evaluate("[...document.querySelectorAll('nav a')].map(link => link.getBoundingClientRect().right)")
    assert max(right) <= 390  # no entry is hidden at the side
    opened.keyboard.press("Escape")
    draw_all(opened)
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    assert opened.locator("#plot-curves .main-svg").first.bounding_box()["width"] <= 390  # type: ignore[index]
    opened.set_viewport_size({"width": 1280, "height": 900})


def test_on_paper_all_figures_in_light(opened: Page) -> None:
    if not opened.evaluate("dark()"):
        opened.locator("#theme").click()
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.emulate_media(media="print")
    assert opened.evaluate("document.documentElement.dataset.theme") == "light"
    expect(opened.locator(".controls").first).to_be_hidden()
    assert opened.locator("#plot-curves .main-svg").first.bounding_box()["width"] == 680  # type: ignore[index]
    sizes = opened.evaluate("['body', 'h2'].map(tag => getComputedStyle(document.querySelector(tag)).fontSize)")
    assert sizes == ["11px", "15.4px"]  # headings shrink with the text
    opened.emulate_media(media="screen")
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.evaluate("dark()")


def test_no_complaint_and_no_request(opened: Page) -> None:
    """Last: of all that the tests above have done."""
    assert problems == []
