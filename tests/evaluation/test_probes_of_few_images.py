"""A probe of too few images is refused, and neither what was found earlier nor other runs suffer from it."""

import json
from pathlib import Path

import pytest

from helpers.untrained_runs import untrained_run
from hourglass.cli import evaluate
from hourglass.cli.codes import probe
from hourglass.core.errors import DataError

DENSE = ("model=linear", "latent=dense", "latent.dim=3", "encoder.dim=20")
SYNTHETIC = ("data=synthetic", "data.image_shape=[1,8,8]")
ENOUGH = ("data.source.train=90", "data.source.test=90", "data.val_size=20")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["data=mnist5k", "train=1", "neighbours=1"], "1 training images .* have one label: use a larger train="),
        ([*SYNTHETIC, *ENOUGH, "train=1"], "of the 1 train images .* show the factor .*: use a larger train="),
        (
            ["data=mnist5k", "neighbours=5000"],
            "neighbours=5000 are more than the 2000 tr.*: use neighbours=2000 or",
        ),
        (["data=mnist5k", "train=3"], "neighbours=5 are more than the 3 training .* or fewer, or a larger train="),
        (
            ["data=mnist5k", "test=9"],
            "9 test images are too few .*, and 10 are needed: use a larger test=",
        ),
        ([*SYNTHETIC, "data.source.train=90", "data.source.test=9", "data.val_size=20"], "9 test images are too few"),
    ],
)
def test_too_few_images_are_not_probed(tmp_path: Path, given: list[str], message: str) -> None:
    """And what was found earlier stays."""
    data = [one for one in given if one.startswith("data")]
    run = untrained_run(tmp_path / "run", *DENSE, *data)
    (run / "codes").mkdir()
    (run / "codes" / "probe.json").write_text("of then", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        probe.main([f"run={run}", *given[len(data) :]])
    assert (run / "codes" / "probe.json").read_text(encoding="utf-8") == "of then"


def test_an_evaluation_of_too_few_images_is_not_probed(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", *DENSE, *SYNTHETIC, *ENOUGH)
    with pytest.raises(DataError, match="9 test images are too few to judge a probe by"):
        evaluate.main([f"run={run}", "accelerator=cpu", "data.source.test=9", "probe=true"])
    assert not list(run.glob("evaluations/*"))


def test_a_run_that_cannot_be_probed_keeps_no_other_from_it(tmp_path: Path) -> None:
    few = ("data.source.train=4", "data.source.test=90", "data.val_size=3", "data.batch_size=1")
    for name, size in (("a", few), ("b", ENOUGH)):
        untrained_run(tmp_path / name, *DENSE, *SYNTHETIC, *size)
    with pytest.raises(DataError, match="/a could not be probed: of the 1 train images"):
        probe.main([f"run={tmp_path}"])
    record = json.loads((tmp_path / "b" / "codes" / "probe.json").read_text(encoding="utf-8"))
    assert "probe/r2_kind_pca" in record["metrics"]
