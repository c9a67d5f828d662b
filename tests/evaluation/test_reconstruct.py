"""A user's own pictures through a network: every fit, every name, and no file overwritten."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import hourglass
from helpers.project import run_command
from helpers.untrained_runs import untrained_run
from hourglass.cli.pictures import reconstruct
from hourglass.core.errors import ConfigError, DataError
from hourglass.runs.evaluation import fitting
from hourglass.runs.evaluation.picture_files import output_names, picture_files
from hourglass.runs.evaluation.reconstruct_options import parse_options

GREY = np.array([[0, 1000, 20000], [40000, 60000, 65535]], np.uint16)
COLOUR = np.array(
    [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]], [[200, 100, 50], [255, 255, 255]]], np.uint8
)


@pytest.fixture(scope="module")
def grey_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("grey") / "run", "corruption=gaussian")


@pytest.fixture(scope="module")
def colour_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of 3×20×28."""
    shape = "data.image_shape=[3,20,28]"
    return untrained_run(tmp_path_factory.mktemp("colour") / "run", "data=synthetic", shape, "channels=[4]")


class Mean(nn.Module):
    """A network of one size: each image becomes its own mean."""

    image_shape = (1, 5, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[1:] == self.image_shape
        return images.mean((2, 3), keepdim=True).expand_as(images)


class Same(Mean):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


@pytest.mark.parametrize("size", [(5, 4), (10, 8), (11, 9), (1, 1), (2, 30), (30, 2), (64, 85)])
def test_tiles_are_put_back_where_they_were(size: tuple[int, int]) -> None:
    picture = torch.rand(1, *size)
    target, result = fitting.fit_and_reconstruct(Same(), picture, "tile")
    assert target is picture
    assert torch.equal(result, picture)


def test_each_tile_goes_through_alone_and_the_rest_is_filled_by_mirroring() -> None:
    picture = torch.arange(7 * 8.0).view(1, 7, 8)
    _, result = fitting.fit_and_reconstruct(Mean(), picture, "tile")
    assert torch.equal(result[0, :5, 4:], picture[0, :5, 4:].mean().expand(5, 4))
    mirrored = torch.cat([picture[0, 5:, :4], picture[0, [6, 5, 4], :4]])
    torch.testing.assert_close(result[0, 5:, :4], mirrored.mean().expand(2, 4))


def test_resize_keeps_all_of_the_picture_and_crop_its_aspect() -> None:
    picture = torch.zeros(1, 10, 32)
    picture[..., 12:20] = 1  # the central part of the aspect 5:4, 10×8
    cropped, _ = fitting.fit_and_reconstruct(Same(), picture, "crop")
    assert torch.equal(cropped, torch.ones(1, 5, 4))
    resized, _ = fitting.fit_and_reconstruct(Same(), picture, "resize")
    assert resized.shape == (1, 5, 4)
    assert resized.mean().item() == pytest.approx(0.25, abs=0.01)
    assert resized[..., 0].max() < 0.1
    assert torch.equal(fitting.fit_and_reconstruct(Same(), resized, "resize")[0], resized)


def test_the_run_s_own_images_come_out_as_the_network_makes_them(grey_run: Path, tmp_path: Path, capsys) -> None:
    model, data = hourglass.load_run(grey_run), hourglass.load_data(grey_run)
    target = data.pick("test", [3]).target
    Image.fromarray((target[0, 0] * 255).byte().numpy()).save(tmp_path / "3.bmp")
    reconstruct.main([f"run={grey_run}", f"images={tmp_path}/3.bmp", f"out={tmp_path / 'out'}"])
    with torch.no_grad():
        expected = model(target)
    written = Image.open(tmp_path / "out" / "3.png")
    assert written.mode == "L"
    np.testing.assert_allclose(np.asarray(written) / 255, expected[0, 0].clamp(0, 1), atol=0.51 / 255)
    mse = (expected - target).square().mean()
    assert f"28×28 → 28×28  MSE {mse:.5f}  PSNR {-10 * mse.log10():.2f} dB" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["3.png"]


def test_a_folder_of_everything(colour_run: Path, tmp_path: Path, capsys) -> None:
    pictures = tmp_path / "my = pictures, [all]"
    pictures.mkdir()
    Image.fromarray(GREY).save(pictures / "grey.png")
    Image.fromarray(COLOUR).resize((70, 50)).save(pictures / "photo.JPG")
    Image.fromarray(COLOUR).save(pictures / "photo.png")
    (pictures / "broken.png").write_bytes((pictures / "photo.png").read_bytes()[:50])
    (pictures / "notes.txt").write_text("mine")
    out = tmp_path / "out"
    arguments = [f"run={colour_run}", f"images={pictures}", f"out={out}", "fit=tile", "compare=true"]
    with pytest.raises(DataError, match=r"broken\.png cannot be read"):
        reconstruct.main(arguments)
    assert sorted(path.name for path in out.iterdir()) == ["comparisons", "grey.png", "photo.JPG.png", "photo.png.png"]
    assert len(list((out / "comparisons").iterdir())) == 3
    assert Image.open(out / "photo.JPG.png").size == (70, 50)
    assert Image.open(out / "grey.png").mode == "RGB"
    comparison = Image.open(out / "comparisons" / "photo.JPG.png")
    assert comparison.height > 3 * 50
    screen = capsys.readouterr().out
    assert "left out, no pictures by their names: notes.txt" in screen
    assert "photo.JPG   70×50 in tiles of 28×20  MSE 0." in screen
    assert f"3 in {out}" in screen

    before = (out / "grey.png").read_bytes()
    with pytest.raises(DataError, match=r"exists \(6 such files\): choose another out=, or overwrite=true"):
        reconstruct.main([*arguments[:-1], "compare=true"])
    reconstruct.main([f"run={colour_run}", f"images={pictures / 'grey.png'}", f"out={out}", "overwrite=true"])
    assert (out / "grey.png").read_bytes() != before
    assert Image.open(out / "grey.png").size == (28, 20)


def test_nothing_is_written_where_pictures_lie(grey_run: Path, tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    for out in (tmp_path, tmp_path / "." / "comparisons" / ".."):
        with pytest.raises(ConfigError, match=r"a\.png lies in out="):
            reconstruct.main([f"run={grey_run}", f"images={tmp_path}", f"out={out}", "overwrite=true"])
    assert (tmp_path / "a.png").read_bytes() == before


def test_names_are_kept_and_told_apart() -> None:
    def names(*files: str) -> list[str]:
        return list(output_names([Path(file) for file in files]).values())

    assert names("a.jpg", "b.tar.png") == ["a.png", "b.tar.png"]
    assert names("a.jpg", "A.tif", "b.png") == ["a.jpg.png", "A.tif.png", "b.png"]
    for same in (["x/a.jpg", "y/a.jpg"], ["a.jpg", "a.png", "a.jpg.tif"]):
        with pytest.raises(DataError, match=r"would have the same name in out, a.*folders of their own"):
            names(*same)


def test_files_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpeg", "[1].png", ".hidden.png", "raw.cr9", "deep/c.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def names(*images: str) -> tuple[list[str], list[str]]:
        files, others = picture_files([str(tmp_path / image) for image in images])
        return [file.name for file in files], [other.name for other in others]

    assert names(".") == (["[1].png", "a.jpeg", "b.png"], [".hidden.png", "raw.cr9"])
    assert names("[1].png", "b.png", "*.png") == (["[1].png", "b.png"], [])
    assert names("**/*.webp") == (["c.webp"], [])
    assert names("raw.cr9") == (["raw.cr9"], [])
    for nothing in ("c.png", "*.bmp"):
        with pytest.raises(DataError, match="no file is there"):
            names(nothing)
    with pytest.raises(DataError, match=r"no picture by its name among raw\.cr9"):
        names("raw*")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run=r", "out=o"], "images= is missing"),
        (["run=r", "images=i", "out=o", "fit=pad"], "fit=pad: input should be 'resize', 'crop' or 'tile'"),
        (["run=r", "images=i", "out=o", "compare=yes"], "compare=yes: input should be a valid boolean"),
        (["run=r", "run=s", "images=i", "out=o"], "run is given 2 times"),
        (["run=r", "images=a.png", "b.png"], r"b\.png: reconstruct has the options run=.*images='\*\.png'"),
        (["size=3"], "size=3: reconstruct has the options"),
    ],
)
def test_careless_command_lines_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        reconstruct.main(arguments)


def test_values_may_hold_what_file_names_may_hold() -> None:
    options = parse_options(["run=a b", "images=x=1,y=2.png", "images=[z].png", "out=~/o,p"])
    assert (options.run, options.images, options.out) == ("a b", ["x=1,y=2.png", "[z].png"], "~/o,p")
    assert (options.fit, options.compare, options.overwrite) == ("resize", False, False)


def test_images_of_other_than_1_or_3_channels_are_refused(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", "data=synthetic", "data.image_shape=[2,8,8]", "channels=[2]")
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    with pytest.raises(ConfigError, match="trained on images of 2 channels; pictures have 1 or 3"):
        reconstruct.main([f"run={run}", f"images={tmp_path / 'a.png'}", f"out={tmp_path / 'out'}"])


def test_mistakes_are_answered_before_torch_is_imported() -> None:
    done = run_command("-X", "importtime", "reconstruct.py", "run=r", "images=nowhere.png", "out=o")
    assert done.returncode == 1
    assert "images=nowhere.png: no file is there" in done.stderr
    assert "Traceback" not in done.stderr
    assert "torch" not in done.stderr


def test_help_is_the_commented_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    reconstruct.main(["-h"])
    assert "fit: resize" in capsys.readouterr().out
