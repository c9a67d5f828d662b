"""The page of `show` in a real browser, with the network off: the slider, on any screen, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from hourglass.report.show import page
from hourglass.report.show.story import Look, Row, Story

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("report_page")]  # one browser for all


@pytest.fixture(scope="module")
def shown(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Three networks, looked at untrained and after 1, 2 and 4 steps."""
    torch.manual_seed(0)
    rows = [
        Row(name, "9,569 parameters, and 9,408 bits of positions beside its code", (2, 4),
            [Look(time, torch.rand(1, 28, 28)) for time in (0, 1, 2, 4)])
        for name in ("transpose", "resize", "max_unpool")
    ]  # fmt: skip
    path: Path = tmp_path_factory.mktemp("show") / "show.html"
    page.write(Story(torch.rand(1, 28, 28), "Test image 0", "seed 0", "step", rows), path)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", offline=True)
    tab = context.new_page()
    problems: list[str] = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(path.as_uri())
    yield tab
    assert problems == []


def test_the_slider_goes_through_training_with_the_keyboard(shown: Page) -> None:
    output, slider = shown.locator("#when"), shown.locator("#time")
    visible = shown.locator("figure.output:visible img")
    expect(output).to_have_text("untrained")
    for key, when, stage in (("ArrowRight", "1 step", 1), ("End", "4 steps", 3), ("Home", "untrained", 0)):
        slider.press(key)
        expect(output).to_have_text(when)
        assert slider.get_attribute("aria-valuetext") == when
        expect(visible).to_have_count(3)
        every = shown.locator("[aria-label=resize] figure.output img")
        assert every.nth(stage).is_visible()
        assert when in str(every.nth(stage).get_attribute("alt"))


def test_pixels_are_squares_of_whole_numbers_on_any_screen(shown: Page) -> None:
    for width, pixel in ((1280, 9), (390, 6)):
        shown.set_viewport_size({"width": width, "height": 844})
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        image = shown.locator("figure.output:visible img").first
        assert image.bounding_box()["width"] == 28 * pixel  # type: ignore[index]
        assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    tops = {box["y"] for card in shown.locator("section").all()[:2] if (box := card.bounding_box())}
    assert len(tops) == 1  # two side by side on a phone
    shown.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_violation_of_accessibility(shown: Page, theme: str) -> None:
    shown.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    bad = [v for v in Axe().run(shown).response["violations"] if v["impact"] in ("serious", "critical")]
    assert not {v["id"]: [n["html"] for n in v["nodes"]][:3] for v in bad}
