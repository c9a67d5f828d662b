"""The report inside W&B, as far as that can be tried without an account: a real offline run."""

import json
from pathlib import Path

import pytest
import sweep_folders
from conftest import configure
from PIL import Image

from hourglass.report import runs
from hourglass.report.publish import publish


def test_a_sweep_is_published_as_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = sweep_folders.make(tmp_path / "decoders", ("decoder=transpose", "decoder=resize"), seeds=range(2))
    page = folder / "report.html"
    page.write_text("<p>the page</p>")
    publish(runs.read(folder), configure(), page)
    (run,) = folder.glob("wandb/offline-run-*-report-decoders")
    record = next(run.glob("run-report-decoders.wandb")).read_bytes()
    assert b"report decoders" in record
    (media,) = run.glob("files/media")
    assert (next(media.rglob("*.html"))).read_text() == "<p>the page</p>"
    table = json.loads(next(media.rglob("*.table.json")).read_text())
    assert table["columns"][0] == "label"
    assert {row[0] for row in table["data"]} == {"decoder=transpose", "decoder=resize"}
    with Image.open(next(media.rglob("*.png"))) as picture:
        assert picture.height > 3 * 84  # the test images and two configurations
