"""The site: built strictly, the same pages as in the repository, opened from disk in a real browser."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Page, expect, sync_playwright

from helpers.pages import PAGES, read
from helpers.project import ROOT

sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tools" / "site"))
import configuration_page
import pages

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as by `mkdocs build --strict`."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def browser(folder: Path) -> Iterator[Page]:
    """A page of a browser; what it asks of other machines fails the test."""
    chromium = shutil.which("chromium")
    assert chromium, "these tests look at the site in a browser: apt-get install chromium"
    asked: list[str] = []
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium).new_page(viewport={"width": 390, "height": 844})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: asked.append(message.text) if message.type == "error" else None)
        yield page
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def html_of(folder: Path, path: str) -> str:
    """What the site makes of a page of the repository."""
    place = re.sub(r"README\.html$", "index.html", pages.place(path).replace(".md", ".html"))
    text = (folder / place).read_text(encoding="utf-8")
    return text[text.index("<article") : text.index("</article>")]


def counted(html: str) -> dict[str, int]:
    tags = ("h2", "h3", "ol", "ul", "li", "pre", "tr", "td", "img")
    return {tag: len(re.findall(rf"<{tag}[ >]", html)) for tag in tags}


def test_the_site_shows_what_the_repository_shows(folder: Path) -> None:
    """The two readings of Markdown differ in lists and blocks; a page must mean the same in both."""
    github = MarkdownIt("commonmark", {"html": True}).enable("table")
    for path in PAGES:
        if path != "docs/README.md" and "\n::: " not in read(path):
            assert counted(html_of(folder, path)) == counted(github.render(read(path))), path


def test_docstrings_and_linked_files_are_there(folder: Path) -> None:
    assert "hourglass.load_run" in html_of(folder, "docs/reference/python.md")
    networks = html_of(folder, "docs/reference/nn.md")
    for name in ("Transpose", "MaxUnpool", "GaussianLatent", "CodeSpec"):
        assert re.search(rf'id="hourglass\.nn\.(contract\.)?{name}"', networks), name
    assert "class Encoded" in re.sub("<.*?>", "", html_of(folder, "src/hourglass/nn/contract.py"))
    assert "H4." in html_of(folder, "conf/experiment/checkerboard.yaml")
    assert "<img" not in html_of(folder, "SECURITY.md")
    notebook = html_of(folder, "notebooks/02_operators.ipynb")
    assert "<h1" in notebook
    assert "import torch" in re.sub("<.*?>", "", notebook)


def test_it_opens_from_disk_and_its_search_finds(folder: Path, browser: Page) -> None:
    browser.set_viewport_size({"width": 1280, "height": 800})
    browser.goto((folder / "index.html").as_uri())
    for words in ("max unpooling", "decoder.kernel_size", "transpose4"):
        browser.locator(".md-search__input").fill("")
        browser.locator(".md-search__input").press_sequentially(words)
        expect(browser.locator(".md-search-result__meta")).to_contain_text("matching documents", timeout=60_000)
    browser.locator(".md-search-result__link").first.click()
    browser.wait_for_url(re.compile(r"\?h="))
    expect(browser.locator("article h1").first).to_be_visible()
    assert browser.url.startswith(folder.as_uri())


@pytest.mark.parametrize("path", ["README.md", "docs/concepts.md", "docs/reference/configuration.md"])
def test_nothing_is_cut_on_a_phone(folder: Path, browser: Page, path: str) -> None:
    browser.goto((folder / pages.place(path).replace(".md", ".html")).as_uri())
    assert browser.evaluate("document.documentElement.scrollWidth") == 390


def test_the_page_of_all_keys_is_up_to_date() -> None:
    text = read("docs/reference/configuration.md")
    shown = text.split(configuration_page.BEGIN)[1].split(configuration_page.END)[0].strip()
    assert shown == configuration_page.page(), "run: python tools/configuration_page.py --write"
