"""Made-up sweeps that several files of tests read, and the page of one of them in a real browser."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from helpers import sweep_folders
from hourglass.report.analysis.review import review
from hourglass.report.page import render
from hourglass.report.reading import runs

DECODERS = ("decoder=transpose", "decoder=resize", "decoder=subpixel")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 encoders × 3 decoders × 6 seeds, all completed; not to be changed."""
    folder = tmp_path_factory.mktemp("report") / "grid"
    return sweep_folders.make(folder, ("encoder=maxpool", "encoder=strided"), DECODERS, seeds=range(6))


@pytest.fixture(scope="session")
def sweep(whole: Path) -> runs.Sweep:
    return runs.read(whole)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """2 decoders × 2 seeds, to be spoiled."""
    return sweep_folders.make(tmp_path / "small", DECODERS[:2], seeds=range(2))


# The page


@pytest.fixture(scope="session")
def hostile() -> dict[str, str]:
    """What a file of a run may hold that must stay text."""
    return {
        "error": "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>",
        "name": "resize<img src=x onerror='window.hacked=1'>",
    }


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory, hostile: dict[str, str]) -> Path:
    """2 encoders × 2 decoders × 6 seeds, noisy inputs, evaluations; one decoder's name and one error are hostile.

    Of 24 jobs 21 have a result.
    """
    folder = tmp_path_factory.mktemp("report") / "example"
    sweep_folders.make(folder, ["encoder=maxpool", "encoder=strided"], DECODERS[:2], seeds=range(6))
    folders = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    for path in folders:
        summary = json.loads((path / "summary.json").read_text())
        if summary["choices"]["decoder"] == "resize":
            sweep_folders.change(path, choices=summary["choices"] | {"decoder": hostile["name"]})
        (path / "evaluations").mkdir()
        for level in (0.1, 0.5):
            identity = f"{int(100 * level):08x}"
            evaluation = {"id": identity, "corruption": {"kind": "gaussian", "level": level}, "data": "mnist5k"}
            evaluation["metrics"] = {"test/mse": level * summary["metrics"]["test/mse"]}
            (path / "evaluations" / f"{identity}.json").write_text(json.dumps(evaluation))
        kept = dict(np.load(path / "examples.npz"))
        noise = np.random.default_rng(0).integers(0, 100, kept["input"].shape)
        noisy = np.maximum(kept["input"], noise).astype(np.uint8)
        np.savez_compressed(path / "examples.npz", **(kept | {"input": noisy}))
    sweep_folders.spoil(folders[0], "failed", hostile["error"])
    sweep_folders.spoil(folders[1], "diverged", "the loss became nan at step 20")
    shutil.rmtree(folders[2])
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "these tests look at the page in a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def problems() -> list[str]:
    """What the page complains about, and what it asks the network for."""
    return []


@pytest.fixture(scope="session")
def opened(browser: Browser, page_folder: Path, problems: list[str]) -> Page:
    """The page in light on a screen 1280 pixels wide, with the network off; each test leaves it so."""
    path = page_folder / "report.html"
    path.write_text(render.render(review(runs.read(page_folder))), encoding="utf-8")
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce", offline=True
    )
    tab = context.new_page()
    tab.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: None if request.url[:5] in ("file:", "data:") else problems.append(request.url))
    tab.goto(path.as_uri())
    return tab
