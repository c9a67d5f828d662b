"""`data=emoji` and `data=photos`: colour without a download, and nothing of a test split among the training images."""

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.project import configure
from hourglass.config.parts import Parts
from hourglass.core.errors import DataError
from hourglass.data import ImageData
from hourglass.data.sources import emoji
from hourglass.data.sources.photos import PHOTOS

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")


def read(*overrides: str) -> ImageData:
    data: ImageData = Parts(configure(*overrides)).data
    data.setup()
    return data


def test_emoji_are_those_of_the_font_and_each_is_there_once() -> None:
    data = read("data=emoji")
    assert {name: len(images) for name, images in data.images.items()} == {"train": 3051, "val": 375, "test": 490}
    images = torch.cat([part.images for part in data.images.values()])
    assert len(images.flatten(1).unique(dim=0)) == 3916
    corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).all(1).double().mean() > 0.85  # on white
    assert images.float().std(1).mean() > 20  # in colour


def test_the_skin_tones_of_an_emoji_are_in_one_split() -> None:
    data = read("data=emoji")
    split_of = {name: split for split, images in data.images.items() for name in images.names}
    waving = [name for name in split_of if name.split("-")[0] == "1f44b"]
    assert len(waving) == 6
    by_group: dict[str, set[str]] = {}
    for name, split in split_of.items():
        group = "-".join(point for point in name.split("-") if not "1f3fb" <= point <= "1f3ff")
        by_group.setdefault(group, set()).add(split)
    assert all(len(splits) == 1 for splits in by_group.values())
    assert 1900 < len(by_group) < 2100


@pytest.mark.skipif(not FONT.is_file(), reason="needs Debian's fonts-noto-color-emoji")
@pytest.mark.slow
def test_other_sizes_are_made_from_the_font(tmp_path: Path) -> None:
    data = read("data=emoji", "data.size=16", f"data.cache={tmp_path}")
    embedded = read("data=emoji")
    assert data.image_shape == (3, 16, 16)
    for split, images in data.images.items():
        assert images.names == embedded.images[split].names
        halved = embedded.images[split].images.float().unflatten(3, (16, 2)).unflatten(2, (16, 2)).mean((3, 5))
        assert (halved - images.images.float()).abs().mean() < 6
    bitmaps = emoji.read_bitmaps(FONT)
    assert np.array_equal(emoji.resized(bitmaps["1f44b"], 32), _embedded(embedded, "1f44b"))


def _embedded(data: ImageData, name: str) -> np.ndarray:
    images = next(images for images in data.images.values() if name in images.names)
    return images.images[images.names.index(name)].numpy()


def test_a_font_that_is_not_there_is_named_with_the_ways_out() -> None:
    with pytest.raises(DataError, match=r"nowhere\.ttf holds no bitmaps.*fonts-noto-color-emoji.*data\.size=32"):
        read("data=emoji", "data.size=48", "data.font=nowhere.ttf")


def test_photos_are_crops_of_other_photographs_in_each_split() -> None:
    pytest.importorskip("skimage")
    small = (
        "data=photos",
        "data.batch_size=8",
        "data.source.train=40",
        "data.source.val=10",
        "data.source.test=20",
        "data.size=24",
    )
    data, again, other = read(*small), read(*small, "seed=1"), read(*small, "data.source.seed=1")
    assert {name: len(images) for name, images in data.images.items()} == {"train": 40, "val": 10, "test": 20}
    for split, images in data.images.items():
        photographs = {name.split(" ")[0] for name in images.names}
        assert photographs <= set(PHOTOS[split])
        assert images.images.shape[1:] == (3, 24, 24)
        for name in images.names:
            side = int(name.split("×")[1])
            assert side >= 24
    assert data.fingerprint() == again.fingerprint() != other.fingerprint()
    assert len({name for names in PHOTOS.values() for name in names}) == 15
