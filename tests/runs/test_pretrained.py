"""A run as a folder for the Hub and back: the same network, and the distrust of any other folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import hourglass
from helpers.project import ROOT
from helpers.untrained_runs import untrained_run
from hourglass.core.errors import ConfigError, DataError

RUN = ROOT / "tests" / "fixtures" / "format1" / "run"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    hourglass.save_pretrained(RUN, tmp_path / "saved")
    return tmp_path / "saved"


@torch.no_grad()
def test_what_comes_back_is_the_run(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    model, images = hourglass.from_pretrained(saved), torch.rand(3, 1, 16, 16)
    assert not model.training
    assert torch.equal(model(images), hourglass.load_run(RUN)(images))
    assert (saved / "README.md").read_text().startswith("---\nlibrary_name: hourglass\n")
    assert str(ROOT) not in "".join(path.read_text(errors="replace") for path in saved.iterdir())


@pytest.mark.parametrize("overrides", [("model=linear", "encoder.dim=5"), ("model=vae", "channels=[4]")])
@torch.no_grad()
def test_any_network_comes_back(overrides: tuple[str, ...], tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", "data=synthetic", "data.image_shape=[3,8,10]", *overrides)
    hourglass.save_pretrained(run, tmp_path / "saved")
    images = torch.rand(2, 3, 8, 10)
    assert torch.equal(hourglass.from_pretrained(tmp_path / "saved")(images), hourglass.load_run(run)(images))


def test_nothing_is_overwritten_unasked(saved: Path) -> None:
    with pytest.raises(DataError, match=r"model\.safetensors exists: choose another folder, or overwrite=True"):
        hourglass.save_pretrained(RUN, saved)
    hourglass.save_pretrained(RUN, saved, overwrite=True)


def test_a_model_of_the_hub_is_read_from_its_cache(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where names are links to files that lie elsewhere."""
    asked = []

    def download(source: str, name: str, revision: str | None) -> str:
        asked.append((source, name, revision))
        link = tmp_path / "snapshots" / name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(saved / name)
        return str(link)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert hourglass.from_pretrained("me/digits", revision="v1").image_shape == (1, 16, 16)
    assert asked == [("me/digits", name, "v1") for name in ("config.json", "model.safetensors")]


def test_what_the_hub_does_not_have_is_one_sentence() -> None:
    with pytest.raises(
        DataError, match=r"no such/model/here is no folder, and no config\.json of it came from the Hub"
    ):
        hourglass.from_pretrained("no such/model/here")


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / "config.json").read_text())
    change(content["hourglass"])
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda told: told["configuration"]["model"].update(_target_="os.system"), ConfigError, "no part of hourglass"),
        (lambda told: told["configuration"]["decoder"].update(_target_="mylab.Up"), ConfigError, r"trust=\[mylab\]"),
        (lambda told: told["configuration"].update(seed="${oc.env:HOME}"), ConfigError, "more than a value"),
        (lambda told: told["configuration"]["encoder"].update(_args_=[1]), ConfigError, "only _target_"),
        (lambda told: told["configuration"].pop("decoder"), DataError, "describes no decoder"),
        (lambda told: told.update(configuration=7), DataError, "is no configuration of save_pretrained"),
        (lambda told: told.pop("image_shape"), DataError, "is no configuration of save_pretrained"),
        (lambda told: told.update(image_shape=[1, 16]), ConfigError, "image_shape"),
        (lambda told: told.update(image_shape=[1, 0, 16]), ConfigError, "image_shape"),
        (lambda told: told.update(channels="4"), ConfigError, "channels"),
        (lambda told: told.update(channels=[2, 5]), DataError, "weights of another network"),
        (lambda told: told.update(format=2), DataError, "has format 2"),
    ],
)
def test_a_stranger_s_configuration_is_data(
    saved: Path, change: Callable[[dict[str, Any]], object], error: type[Exception], message: str
) -> None:
    changed(saved, change)
    with pytest.raises(error, match=message):
        hourglass.from_pretrained(saved)


def test_damaged_files_and_ways_out_are_refused(saved: Path, tmp_path: Path) -> None:
    weights = (saved / "model.safetensors").read_bytes()
    for damage in (b"", weights[:100], b"\xff" * 8 + weights[8:], weights[:-4], b"pickle" * 50):
        (saved / "model.safetensors").write_bytes(damage)
        with pytest.raises(DataError, match=r"cannot be read .*: it was damaged, or is another file"):
            hourglass.from_pretrained(saved)
    (tmp_path / "outside").write_bytes(weights)
    (saved / "model.safetensors").unlink()
    with pytest.raises(DataError, match="does not exist"):
        hourglass.from_pretrained(saved)
    os.symlink(tmp_path / "outside", saved / "model.safetensors")
    with pytest.raises(DataError, match="leads out of"):
        hourglass.from_pretrained(saved)
    for text in ("", "[]", "{}", "[" * 99_999, '{"hourglass": ' * 5000, "x" * 200_000):
        (saved / "config.json").write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"is no configuration of save_pretrained|bytes"):
            hourglass.from_pretrained(saved)
