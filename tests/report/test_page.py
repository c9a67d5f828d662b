"""The page of the report, in a real browser with the network off: what it shows, on any screen and on paper."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.xdist_group("report_page")  # one page and one browser for all

CONFIGURATIONS, RUNS, LOST = 4, 21, 3


def draw_all(tab: Page) -> None:
    for plot in tab.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        expect(plot).to_have_attribute("data-drawn", "yes", timeout=20_000)


def test_the_answer_stands_first_and_names_what_is_missing(opened: Page) -> None:
    expect(opened.locator("h1")).to_have_text(re.compile("encoder=maxpool, decoder=transpose"))
    said = opened.locator("#answer").inner_text()
    assert "not enough seeds" in said  # 3 comparisons of at most 6 seeds
    assert f"{LOST} of {RUNS + LOST} jobs have no result: 1 diverged, 1 failed, 1 planned; which" in said.replace(
        "\n", " "
    )
    assert opened.title() == "example · Hourglass report"
    best = opened.locator("#board tbody tr").first
    expect(best).to_contain_text("best mean")
    tags = opened.locator("#board .tag.warn").all_inner_texts()
    assert sorted(tag.split(" seeds ")[1] for tag in tags) == ["diverged", "failed", "planned"]


@pytest.mark.slow
def test_the_tables_fit_the_screen_and_the_numbers_are_explained(opened: Page) -> None:
    for name in ("leaderboard", "comparison"):
        table = opened.locator(f'[aria-label="Table of the {name}"]')
        assert table.evaluate("region => region.scrollWidth - region.clientWidth") == 0
    assert table.locator("thead th").last.inner_text().startswith("Verdict")
    glossary = opened.locator("details.glossary")
    expect(glossary.locator("dl")).to_be_hidden()
    glossary.locator("summary").click()
    meaning = "Share of an image's variance that is a pattern of the stride's period"
    expect(glossary.locator("div", has_text="phase bias, stride s")).to_contain_text(meaning)
    glossary.locator("summary").click()


def test_what_files_hold_is_text(opened: Page, hostile: dict[str, str]) -> None:
    assert hostile["error"] in opened.locator("#provenance").inner_text()
    assert hostile["name"] in opened.locator("#board").inner_text()
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


@pytest.mark.slow
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
    board = opened.locator('[aria-label="Table of the leaderboard"]')
    assert board.evaluate("region => region.scrollWidth - region.clientWidth") == 0
    card = board.locator("tbody tr").first
    shown = card.locator("> :visible").evaluate_all("cells => cells.map(cell => cell.getBoundingClientRect().y)")
    assert shown == sorted(set(shown))  # one below the other
    titles = card.locator("td:visible").evaluate_all("cells => cells.map(c => getComputedStyle(c, '::before').content)")
    assert {'"seeds"', '"MSE"', '"PSNR, dB"'} <= set(titles)
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


@pytest.mark.slow
def test_on_paper_the_numbers_stand_for_figures_that_are_not_drawn(opened: Page, browser: Browser) -> None:
    """Of a script that is late, or of a browser that cannot unpack the figures."""
    context = browser.new_context(offline=True)
    context.add_init_script("delete window.DecompressionStream")
    tab = context.new_page()
    tab.goto(opened.url)
    numbers = tab.locator("#figure-curves details.numbers")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    expect(numbers.locator("table")).to_be_visible()
    expect(tab.locator("#plot-curves")).to_be_hidden()
    tab.emulate_media(media="screen")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(numbers.locator("table")).to_be_hidden()
    context.close()


def test_no_complaint_and_no_request(opened: Page, problems: list[str]) -> None:
    """Last: of all that the tests above have done."""
    assert problems == []
