"""`data=folder` and `data=paired`: splits by content, what is left out, what is refused, and the cache."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.photo_folders import configured, fill, mixed, names_by_split, picture, read
from hourglass.cli.sweep import plan
from hourglass.config import pictures
from hourglass.config.compose import CONF, compose_train
from hourglass.config.parts import Parts
from hourglass.core.compat.hydra import Application
from hourglass.core.errors import ConfigError, DataError
from hourglass.data import ImageData


@pytest.mark.parametrize("colour", [True, False])
def test_any_picture_is_read_and_broken_ones_are_named_in_one_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, colour: bool
) -> None:
    mixed(tmp_path / "photos", 72)
    with caplog.at_level(logging.WARNING):
        data = read(tmp_path / "photos", f"data.colour={str(colour).lower()}")
    assert data.image_shape == (3 if colour else 1, 16, 16)
    assert sum(len(images) for images in data.images.values()) == 72
    (message,) = [record.getMessage() for record in caplog.records if "cannot be used" in record.getMessage()]
    for name in ("3 pictures", "cats/cut.png", "dogs/empty.jpg", "dogs/text.gif", "left out"):
        assert name in message
    assert data.classes == ("cats", "dogs")
    for images in data.images.values():
        assert [data.classes[label] for label in images.labels] == [name.split("/")[0] for name in images.names]
    with pytest.raises(DataError, match=r"cannot be used.*data\.broken=leave_out"):
        read(tmp_path / "photos", "data.broken=refuse")


def test_each_picture_is_what_is_in_its_file(tmp_path: Path) -> None:
    fill(tmp_path / "photos", 40, size=(16, 16))
    for cache in ("logs/pictures", "null"):
        data = read(tmp_path / "photos", f"data.cache={cache}")
        for images in data.images.values():
            for image, name in zip(images.images, images.names, strict=True):
                there = np.asarray(Image.open(tmp_path / "photos" / name).convert("RGB")).transpose(2, 0, 1)
                assert np.array_equal(image.numpy(), there)


def test_fitting_is_to_crop_or_to_resize(tmp_path: Path) -> None:
    striped = np.zeros((20, 60, 3), np.uint8)
    striped[:, 20:40] = 255  # the central square is white
    (tmp_path / "photos" / "train").mkdir(parents=True)
    for split in ("train", "val", "test"):
        (tmp_path / "photos" / split).mkdir(exist_ok=True)
        for i in range(3):
            striped[0, 0] = (i, ord(split[0]), ord(split[1]))
            Image.fromarray(striped).save(tmp_path / "photos" / split / f"{i}.png")
    cropped, resized = (read(tmp_path / "photos", f"data.fit={fit}").mean for fit in ("crop", "resize"))
    assert cropped.tolist() == pytest.approx([1, 1, 1])
    assert resized.tolist() == pytest.approx([1 / 3] * 3, abs=0.01)
    tall = read(tmp_path / "photos", "data.size=[20,60]", "data.fit=resize")
    assert tall.image_shape == (3, 20, 60)
    assert np.array_equal(tall.images["train"].images[0].permute(1, 2, 0)[1:].numpy(), striped[1:])


def test_more_pictures_move_none_and_copies_stay_together(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    fill(root, 60)
    before = names_by_split(read(root))
    assert all(before.values())
    fill(root / "new", 60, first=60)
    for name in before["test"]:
        shutil.copy(root / name, root / f"copy_of_{name}")
    after = names_by_split(read(root))
    for split, names in before.items():
        assert names <= after[split]
    assert {f"copy_of_{name}" for name in before["test"]} <= after["test"]


def test_the_splits_have_their_shares(tmp_path: Path) -> None:
    fill(tmp_path / "photos", 400, size=(4, 4))
    data = read(tmp_path / "photos", "data.val_share=0.25", "data.test_share=0.25", "data.size=4")
    for split in ("val", "test"):
        assert abs(len(data.images[split]) - 100) < 4 * (400 * 0.25 * 0.75) ** 0.5


@pytest.mark.parametrize("folders", [("train", "val", "test"), ("train", "test"), ("train", "val"), ("train",)])
def test_folders_of_splits_are_kept_and_a_missing_one_is_taken_off_train(tmp_path: Path, folders: tuple) -> None:
    for i, folder in enumerate(folders):
        for j, animal in enumerate(("cats", "dogs")):
            fill(tmp_path / "photos" / folder / animal, 50, first=1000 * i + 100 * j)
    data = read(tmp_path / "photos")
    for split, names in names_by_split(data).items():
        assert {name.split("/")[0] for name in names} == {split if split in folders else "train"}
        assert len(names) == (100 if split in folders and split != "train" else len(names)) > 0
    assert data.classes == ("cats", "dogs")


def test_a_picture_in_train_and_in_test_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for i, split in enumerate(("train", "val", "test")):
        fill(tmp_path / split, 4, first=10 * i)
    shutil.copy(tmp_path / "train" / "0001.png", tmp_path / "test" / "again.png")
    read(tmp_path)
    assert "1 picture to validate or test with are trained on, too: test/again.png" in caplog.text


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (0, "holds no picture by its name"),
        (1, "none of 1 picture in .* is for (train|val|test): use more of them"),
        (3, "none of 3 pictures in .* is for (val|test): use more of them"),
    ],
)
def test_too_few_are_refused(tmp_path: Path, count: int, message: str) -> None:
    fill(tmp_path / "photos", count)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "photos")


def test_fewer_than_a_batch_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "photos", 60)
    with pytest.raises(DataError, match=r"training images are fewer than one batch: use data.batch_size=\d+ or less"):
        read(tmp_path / "photos", "data.batch_size=64")


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["data.root=null"], ConfigError, "data.root is missing: name the folder with your pictures"),
        (["data.root=nowhere"], DataError, "nowhere is no folder"),
        (["data.val_share=0.5", "data.test_share=0.5"], ConfigError, "leave nothing to train on"),
        (["data.size=0"], ConfigError, "data.size"),
        (["data.fit=pad"], ConfigError, "data.fit=pad"),
        (["data.val_size=5"], ConfigError, "validation split of its own"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, overrides: list[str], error: type, message: str) -> None:
    fill(tmp_path / "photos", 60)
    with pytest.raises(error, match=message):
        read(tmp_path / "photos", *overrides)


def test_a_picture_beside_the_folder_train_belongs_nowhere(tmp_path: Path) -> None:
    fill(tmp_path / "train", 20)
    picture(50).save(tmp_path / "stray.png")
    with pytest.raises(DataError, match=r"stray\.png lies beside the folder train"):
        read(tmp_path)


def test_the_id_is_of_the_pictures_and_not_of_their_place(tmp_path: Path) -> None:
    here, there = tmp_path / "a, b=(c)", tmp_path / "moved"
    fill(here, 60)
    one = configured(here)
    shutil.copytree(here, there)
    (there / "0000.png").rename(there / "renamed.png")
    assert configured(there).id == configured(there, "data.cache=elsewhere").id == one.id
    picture(99).save(there / "0001.png")
    assert configured(there).id != one.id
    with pytest.raises(DataError, match=r"have changed \(checksum \w{8}, now \w{8}\)"):
        Parts(one.with_values({"data.root": str(there)})).data.setup()


def test_a_sweep_is_planned_with_one_look_at_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "mine", 30)
    given = ["data=folder", f"data.root={tmp_path / 'mine'}"]
    expected = [compose_train([*given, f"seed={seed}"]).id for seed in range(3)]
    looks, list_pictures = [], pictures.list_pictures
    monkeypatch.setattr(pictures, "list_pictures", lambda *of: looks.append(of) or list_pictures(*of))
    application = Application(CONF, "train", [*given, "seed=0,1,2", f"hydra.sweep.dir={tmp_path / 'sweep'}"])
    _, job, _ = plan(application, ["sweep=x"], ["train"])
    assert list(job.sweep.names) == expected
    assert len(looks) == 1
    fill(tmp_path / "mine", 1, first=30)
    assert compose_train([*given, "seed=0"]).id != expected[0]  # nothing is remembered beyond the plan


def test_a_test_set_alone_is_enough_to_evaluate(tmp_path: Path) -> None:
    for i, split in enumerate(("train", "val", "test")):
        fill(tmp_path / "photos" / split, 6, first=10 * i)
    whole = configured(tmp_path / "photos")
    shutil.copytree(tmp_path / "photos" / "test", tmp_path / "alone" / "test")
    data: ImageData = Parts(whole.with_values({"data.root": str(tmp_path / "alone")})).data
    data.setup("test")
    assert set(data.images) == {"test"}
    assert data.fingerprint("test") == read(tmp_path / "photos").fingerprint("test")
    picture(77).save(tmp_path / "alone" / "test" / "0020.png")
    data = Parts(whole.with_values({"data.root": str(tmp_path / "alone")})).data
    with pytest.raises(DataError, match="have changed"):
        data.setup("test")
