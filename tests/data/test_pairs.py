"""`data=paired`: corrupted pictures and clean ones of equal names."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.photo_folders import configured, picture, read
from hourglass.core.errors import ConfigError, DataError


def pairs(root: Path, count: int, first: int = 0) -> None:
    """Inputs are negatives, and of another kind."""
    for side in ("input", "target"):
        (root / side).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        clean = picture(number, (16, 16))
        clean.save(root / "target" / f"{number}.png")
        Image.fromarray(255 - np.asarray(clean)).save(root / "input" / f"{number}.bmp")


def test_pairs_are_input_and_target_by_equal_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pairs(tmp_path, 60)
    picture(90, (16, 16)).save(tmp_path / "input" / "alone.png")
    picture(91, (16, 16)).save(tmp_path / "target" / "larger.png")
    picture(91, (20, 20)).save(tmp_path / "input" / "larger.png")
    data = read(tmp_path, data="paired")
    assert "input/alone.png has no picture of its name on the other side" in caplog.text
    assert "larger is of another size than its input" in caplog.text
    assert sum(len(images) for images in data.images.values()) == 60
    for split in ("train", "val", "test"):
        batch = data.pick(split, range(len(data.images[split])))
        torch.testing.assert_close(batch.input, 1 - batch.target)
    moved = read(tmp_path, "augmentation=flip_crop", data="paired")
    raw = next(iter(moved.train_dataloader()))
    batch = moved.prepare(raw, "train", 3, augmented=True)
    torch.testing.assert_close(batch.input, 1 - batch.target)  # both were moved alike
    assert not torch.equal(batch.target, moved.prepare(raw, "train", 3).target)


def test_pairs_are_corrupted_no_further_and_known_by_both(tmp_path: Path) -> None:
    pairs(tmp_path, 60)
    with pytest.raises(ConfigError, match="corrupted images of its own: use corruption=none"):
        read(tmp_path, "corruption=gaussian", data="paired")
    before = configured(tmp_path, data="paired").id
    picture(90, (16, 16)).save(tmp_path / "input" / "3.bmp")
    assert configured(tmp_path, data="paired").id != before
    picture(91).save(tmp_path / "input" / "3.png")
    with pytest.raises(DataError, match=r"3\.bmp and .*3\.png have the same name"):
        read(tmp_path, data="paired")
