"""Pictures of codes in the report: shown as they are, and read from a folder that anybody may have made."""

import base64
import io
import shutil
from pathlib import Path

from PIL import Image

from helpers.project import ROOT
from hourglass.report.analysis.review import review
from hourglass.report.page import images, render
from hourglass.report.reading import runs

KEPT = ROOT / "tests" / "fixtures" / "format1" / "run"


def test_what_is_whole_is_shown_and_what_is_not_is_named(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(KEPT, run)
    (run / "codes").mkdir()
    picture = Image.effect_noise((40, 30), 50).convert("RGB")
    for name in ("images/interpolations_epoch0002", "codes/samples_gmm", "../outside"):
        picture.save(run / f"{name}.png")
    Image.new("L", (4, 4)).save(run / "images" / "interpolations_epoch0001.png")  # an earlier one
    torn = (run / "codes" / "samples_gmm.png").read_bytes()[:-200]
    (run / "images" / "traversals_epoch0002.png").write_bytes(torn)
    (run / "images" / "neighbours_epoch0002.png").symlink_to(tmp_path / "outside.png")
    picture.save(run / "codes" / "samples_<b>.png", "JPEG")
    sweep = runs.read(run)

    between, traversals, neighbours, odd, samples = images.code_pictures({0: sweep.runs[0]})[0]
    for shown in (between, samples):
        with Image.open(io.BytesIO(base64.b64decode(shown.uri.split(",")[1]))) as image:
            assert image.tobytes() == picture.tobytes()
    assert samples.title == "Samples by gmm; in the second row, the training images nearest to the first"
    assert traversals.uri == neighbours.uri == odd.uri == ""
    assert "traversals_epoch0002.png cannot be shown" in traversals.reason
    assert "leads out of" in neighbours.reason
    assert odd.title.startswith("Samples by b;")
    page = render.render(review(sweep))
    assert 'href="#codes"' in page
    assert samples.uri in page
    assert "leads out of" in page
    assert "<b>" not in page.split('id="codes"')[1].split("</section>")[0]
    for path in [*run.glob("codes/*"), *run.glob("images/*_epoch*")]:
        path.unlink()
    assert 'href="#codes"' not in render.render(review(runs.read(run)))
