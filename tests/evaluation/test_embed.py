"""The codes of a data set and of pictures as a table: the network's own numbers, in order, with names and splits."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyarrow import parquet

import hourglass
from helpers.project import ROOT, run_command
from hourglass.cli.codes import embed
from hourglass.core.errors import ConfigError, DataError

RUN = ROOT / "tests" / "fixtures" / "format1" / "run"
"""48, 12 and 12 images of 1×16×16, a code of 64 numbers"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, size in enumerate([(16, 16), (40, 20), (7, 9)]):
        pixels = np.random.default_rng(i).integers(0, 256, (size[1], size[0]), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@torch.no_grad()
def test_the_run_s_own_images_in_both_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = hourglass.load_run(RUN), hourglass.load_data(RUN)
    expected = torch.cat(
        [model.embed(data.pick(s, range(len(data.images[s]))).target) for s in ("train", "val", "test")]
    )
    for ending in ("parquet", "npz"):
        embed.main([f"run={RUN}", "data=run", f"out={tmp_path}/codes.{ending}", "batch_size=10"])
        assert capsys.readouterr().out == f"72 codes of 64 numbers in {tmp_path}/codes.{ending}\n"
    file = parquet.ParquetFile(tmp_path / "codes.parquet")
    assert file.num_row_groups == 5 + 2 + 2
    table = file.read()
    assert table.column_names == ["file", "split", "index", "label", "code"]
    assert str(table.schema.field("code").type) == "fixed_size_list<element: float>[64]"
    rows = table.to_pydict()
    assert rows["split"] == ["train"] * 48 + ["val"] * 12 + ["test"] * 12
    assert rows["index"] == [*range(48), *range(12), *range(12)]
    assert rows["file"] == rows["label"] == [None] * 72
    with np.load(tmp_path / "codes.npz") as arrays:
        assert set(arrays) == {"code", "split", "index"}
        assert arrays["code"].dtype == np.float32
        np.testing.assert_allclose(arrays["code"], expected, atol=1e-6)
        np.testing.assert_array_equal(np.array(rows["code"], np.float32), arrays["code"])
        assert arrays["split"].tolist() == rows["split"]


@torch.no_grad()
def test_pictures_are_fitted_as_reconstruct_fits_them(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "codes.npz"
    embed.main([f"run={RUN}", f"images={pictures}", f"out={out}", "fit=resize", "batch_size=2"])
    own = torch.from_numpy(np.asarray(Image.open(pictures / "0.png")) / np.float32(255))[None, None]
    with np.load(out) as arrays:
        assert [Path(file).name for file in arrays["file"]] == ["0.png", "1.png", "2.png"]
        assert arrays["code"].shape == (3, 64)
        np.testing.assert_allclose(arrays["code"][:1], hourglass.load_run(RUN).embed(own), atol=1e-6)


def test_what_cannot_be_read_is_named_and_the_rest_is_kept(pictures: Path, tmp_path: Path) -> None:
    (pictures / "1.png").write_bytes((pictures / "1.png").read_bytes()[:60])
    out = tmp_path / "codes.parquet"
    with pytest.raises(DataError, match=r"1\.png cannot be read"):
        embed.main([f"run={RUN}", f"images={pictures}", f"out={out}"])
    rows = parquet.read_table(out).to_pydict()
    assert [Path(file).name for file in rows["file"]] == ["0.png", "2.png"]
    assert rows["index"] == [0, 2]
    for picture in pictures.iterdir():
        picture.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"0\.png is no picture"):
        embed.main([f"run={RUN}", f"images={pictures}", f"out={tmp_path}/none.npz"])
    assert not (tmp_path / "none.npz").exists()


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    out = tmp_path / "codes.npz"
    out.write_bytes(b"mine")
    arguments = [f"run={RUN}", "data=run", "split=test", f"out={out}"]
    with pytest.raises(DataError, match=r"codes\.npz exists: choose another out=, or overwrite=true"):
        embed.main(arguments)
    assert out.read_bytes() == b"mine"
    embed.main([*arguments, "overwrite=true"])
    with np.load(out) as arrays:
        assert arrays["code"].shape == (12, 64)
    assert [path.name for path in tmp_path.iterdir()] == ["codes.npz"]


def test_parquet_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'hourglass\[embed\]', or use out=….npz"):
        embed.main([f"run={RUN}", "data=run", "split=test", f"out={tmp_path}/codes.parquet"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["out=a.npz"], "say what to embed: either images="),
        (["out=a.npz", "data=run", "images=b"], "say what to embed: either images="),
        (["out=a.csv", "data=run"], r"out=a\.csv: codes are written to a file that ends in \.parquet or \.npz"),
        (["out=a.npz", "data=mnist5"], "data=mnist5: data is run, or one of celeba,"),
        (["out=a.npz", "data=run", "fit=crop"], "fit= has no effect with data=run"),
        (["out=a.npz", "images=b", "split=test"], "split= has no effect with images="),
        (["out=a.npz", "data=run", "root=x"], "root= has no effect with data=run"),
        (["out=a.npz", "data=run", "batch_size=0"], "batch_size=0: input should be greater than or equal to 1"),
        (["out=a.npz", "data=run", "batchsize=9"], r"did you mean batch_size=\?"),
        (["out=a.npz", "data=mnist5k"], r"has images of 1×28×28, and the run was trained on 1×16×16"),
    ],
)
def test_careless_command_lines_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        embed.main([f"run={RUN}", *arguments])


def test_mistakes_are_answered_before_torch_is_imported() -> None:
    done = run_command("-X", "importtime", "embed.py", "run=r", "images=nowhere.png", "out=a.npz")
    assert done.returncode == 1
    assert "images=nowhere.png: no file is there" in done.stderr
    assert "torch" not in done.stderr
