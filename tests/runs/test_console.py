"""What a run says at its end: its numbers, and a line that a shell takes as it stands."""

import shlex
from pathlib import Path

import pytest

from hourglass.core.measures import Measure
from hourglass.core.text import command
from hourglass.runs.console import suggestion, table
from hourglass.runs.read import read_summary
from hourglass.runs.summary import Summary


def result(decoder: str = "bicubic", **values: object) -> Summary:
    return Summary(Path("run"), "0" * 8, {"decoder": decoder}, 0, **values)  # type: ignore[arg-type]


def test_the_next_line_keeps_where_options_are_and_what_needs_quotes() -> None:
    overrides = ["decoder=bicubic", "decoder.kernel_size=5", "channels=[8,16]", 'data.root="/my pictures"', "seed=3"]
    line = suggestion(result(overrides=overrides, found_by=["--config-dir", "my lab/conf"]))
    assert shlex.split(line) == [
        *command("train").split(), "-m", "--config-dir", "my lab/conf", "decoder=bicubic,resize", "channels=[8,16]",
        'data.root="/my pictures"', "seed=3",
    ]  # fmt: skip
    assert suggestion(result("resize")) == f"{command('train')} -m decoder=resize,transpose"


@pytest.mark.parametrize(
    ("latent", "size", "decoder", "overrides", "following"),
    [
        ("dense", 16, "transpose", [], "-m latent.dim=4,16,64"),
        ("dense", 1, "transpose", ["latent.dim=1", "seed=3"], "-m latent.dim=1,4 seed=3"),
        ("dense", 16, "resize", ["decoder=resize", "latent.dim=16"], "-m decoder=resize,transpose latent.dim=16"),
        ("none", 1568, "transpose", ["model=conv"], "-m decoder=transpose,resize model=conv"),
        ("none", 32, "linear", ["model=linear"], "model=bottleneck latent.dim=32"),
    ],
)
def test_the_next_line_asks_for_what_decides_most(
    latent: str, size: int, decoder: str, overrides: list[str], following: str
) -> None:
    told = result(decoder, overrides=overrides, cost={"code_size": size})
    told.choices["latent"] = latent
    assert suggestion(told) == f"{command('train')} {following}"


def test_the_numbers_of_other_packages_stand_beside_ours_and_none_need_be_there() -> None:
    cost = {"code_size": 4, "image_size": 16, "index_bits": 0, "bits_per_pixel": 8.0, "num_params": 9}
    cost |= {"macs_per_image": 1e6, "macs_fused_per_image": 5e5}
    measures = {"sharpness": Measure("sharpness", better="higher", unit="dB"), "mse": Measure("MSE")}
    metrics = {"test/mse": 0.25, "test/sharpness": 3.5}
    shown = table(result(metrics=metrics, measures=measures, cost=cost | {"images_per_second": 7.0}))
    assert "  test      MSE 0.25000   sharpness 3.5 dB\n" in shown


@pytest.mark.parametrize("key", ["measures", "effects", "found_by", "versions", "rate_curves"])
def test_a_summary_is_read_as_it_is_written(tmp_path: Path, key: str) -> None:
    written = result(measures={"x": Measure("x", unit="dB")}, effects=["mine"], found_by=["--config-dir", "c"])
    written.rate_curves = {"jpeg": [[0.5, 0.01], [1.0, 0.002]]}
    written.folder = tmp_path
    written.write()
    assert (read_summary(tmp_path) or {})[key]
