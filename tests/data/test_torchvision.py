"""The data sets of torchvision: read as they lie, decoded once, mapped from then on."""

import gzip
import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from helpers.project import configure, options
from hourglass.config.parts import Parts
from hourglass.core.errors import DataError
from hourglass.data import CelebA, ImageData, NoCorruption


def data_of(*overrides: str):
    data = Parts(configure(*overrides)).data
    data.setup()
    return data


def write_idx(folder, half: str, images: np.ndarray, packed: bool) -> None:
    raw = np.array([0x803, *images.shape], ">u4").tobytes() + images.tobytes()
    name = f"{half}-images-idx3-ubyte"
    if packed:
        (folder / f"{name}.gz").write_bytes(gzip.compress(raw))
    else:
        (folder / name).write_bytes(raw)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("option", ["mnist", "fashion_mnist", "kmnist"])
def test_idx_files_are_read_as_they_lie(tmp_path, option: str, packed: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5100, 28, 28)).astype(np.uint8)
    write_idx(tmp_path, "train", images, packed)
    write_idx(tmp_path, "t10k", images[:10], packed)
    data = data_of(f"data={option}", f"data.root={tmp_path}")
    assert [len(data.images[name]) for name in ("train", "val", "test")] == [100, 5000, 10]
    assert np.array_equal(data.images["test"].images.numpy()[:, 0], images[:10])
    assert data.images["test"].labels is None


def test_labels_are_read_where_they_lie_beside_the_images(tmp_path) -> None:
    labels = np.random.default_rng(0).integers(0, 10, 5100).astype(np.uint8)
    images = np.repeat(labels, 16).reshape(-1, 4, 4)
    for half, n in (("train", 5100), ("t10k", 10)):
        write_idx(tmp_path, half, images[:n], packed=False)
        raw = np.array([0x801, n], ">u4").tobytes() + labels[:n].tobytes()
        (tmp_path / f"{half}-labels-idx1-ubyte").write_bytes(raw)
    source = Parts(configure("data=fashion_mnist", f"data.root={tmp_path}")).data.source
    source.image_shape = (1, 4, 4)
    data = ImageData(
        source=source, corruption=NoCorruption(), batch_size=4, eval_batch_size=4, val_size=5000, num_workers=0, seed=0
    )
    data.setup()
    assert data.classes[9] == "Ankle boot"
    assert data.images["test"].labels.tolist() == labels[:10].tolist()
    for split, n in (("train", 100), ("val", 5000)):
        assert len(data.images[split]) == n
        assert torch.equal(data.images[split].images[:, 0, 0, 0].long(), data.images[split].labels)  # they went along
        assert torch.equal(torch.cat(list(data.images[split].chunks())), data.images[split].images)
        fetched = data.images[split].__getitems__([7, 3])
        assert torch.equal(fetched.images[:, 0, 0, 0].long(), data.images[split].labels[[7, 3]])


def test_a_torn_idx_file_is_named(tmp_path) -> None:
    write_idx(tmp_path, "train", np.zeros((10, 28, 28), np.uint8), packed=False)
    with (tmp_path / "train-images-idx3-ubyte").open("r+b") as file:
        file.truncate(999)
    with pytest.raises(DataError, match="train-images-idx3-ubyte cannot be read: it is not a complete IDX file"):
        data_of("data=mnist", f"data.root={tmp_path}")


DOWNLOADED = [option for option in options("data") if "download" in configure(f"data={option}").plain["data"]]


@pytest.mark.parametrize("option", DOWNLOADED)
def test_missing_data_names_the_folder_and_the_two_ways(tmp_path, option: str) -> None:
    with pytest.raises(DataError) as error:
        data_of(f"data={option}", f"data.root={tmp_path}")
    for words in (str(tmp_path), "data.download=true", "data.root=<folder>"):
        assert words in str(error.value)


def cifar(tmp_path) -> None:
    """CIFAR-10's own layout, ten images a file, so that torchvision's reader is really used."""
    folder = tmp_path / datasets.CIFAR10.base_folder
    folder.mkdir()
    random = np.random.default_rng(0)
    md5 = {}
    for name, _ in [*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list]:
        content = {"data": random.integers(0, 256, (10, 3072)).astype(np.uint8), "labels": [0] * 10}
        (folder / name).write_bytes(pickle.dumps(content))
        md5[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    meta = folder / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": ["x"]}))
    datasets.CIFAR10.train_list = [[name, md5[name]] for name, _ in datasets.CIFAR10.train_list]
    datasets.CIFAR10.test_list = [[name, md5[name]] for name, _ in datasets.CIFAR10.test_list]
    datasets.CIFAR10.meta = {
        "filename": meta.name,
        "key": "label_names",
        "md5": hashlib.md5(meta.read_bytes()).hexdigest(),
    }


def test_colour_images_come_channels_first(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train_list", "test_list", "meta"):
        monkeypatch.setattr(datasets.CIFAR10, name, getattr(datasets.CIFAR10, name))
    cifar(tmp_path)
    data = data_of("data=cifar10", f"data.root={tmp_path}", "data.val_size=10", "data.batch_size=8")
    assert data.images["train"].images.shape == (40, 3, 32, 32)
    assert data.images["test"].labels.tolist() == [0] * 10
    assert data.images["test"].images.shape == (10, 3, 32, 32)
    again = data_of("data=cifar10", f"data.root={tmp_path}", "data.val_size=10", "data.batch_size=8", "data.cache=null")
    assert again.fingerprint() == data.fingerprint()


def entries(folder: Path = Path("logs/pictures")) -> list[str]:
    return sorted(json.loads(card.read_text(encoding="utf-8"))["what"] for card in folder.glob("*/card.json"))


def test_they_are_decoded_once_and_mapped(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5100, 28, 28)).astype(np.uint8)
    write_idx(tmp_path, "train", images, packed=True)
    write_idx(tmp_path, "t10k", images[:10], packed=True)
    first = data_of("data=mnist", f"data.root={tmp_path}")
    assert entries() == ["MNIST, test", "MNIST, train"]
    monkeypatch.setattr("hourglass.data.sources.torchvision.read_idx", lambda path: pytest.fail("decoded again"))
    again = data_of("data=mnist", f"data.root={tmp_path}")
    assert again.fingerprint() == first.fingerprint()
    train, val = again.images["train"], again.images["val"]
    assert train._images.data_ptr() == val._images.data_ptr()  # no copy of them: both are places in one file
    train.release()
    assert again.fingerprint() == first.fingerprint()


def test_other_files_are_another_entry(tmp_path) -> None:
    for pixel in (0, 1):
        images, root = np.full((5100, 28, 28), pixel, np.uint8), tmp_path / str(pixel)
        root.mkdir()
        write_idx(root, "train", images, packed=False)
        write_idx(root, "t10k", images[:10], packed=False)
        assert int(data_of("data=mnist", f"data.root={root}").images["val"].images.max()) == pixel
    assert len(entries()) == 4


@pytest.mark.parametrize("option", ["mnist5k", "emoji"])
def test_the_embedded_ones_take_the_same_way(option: str) -> None:
    in_memory, first, again = (data_of(f"data={option}", *more) for more in (["data.cache=null"], [], []))
    assert len(entries()) == 1
    assert in_memory.fingerprint() == first.fingerprint() == again.fingerprint()
    assert in_memory.images["test"].release is None
    assert again.images["test"].release is not None
    for split in again.images:
        for what in ("labels", "names"):
            ours, theirs = (getattr(data.images[split], what) for data in (again, in_memory))
            assert (ours is None) == (theirs is None)
            assert ours is None or list(ours) == list(theirs)


@pytest.fixture
def celeba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CelebA's own layout: of nine faces, each of one grey, three in each split."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i:06}.jpg" for i in range(9)]
    for i, name in enumerate(names):
        Image.new("RGB", (178, 218), (20 * i,) * 3).save(folder / "img_align_celeba" / name)
    contents = {
        "list_eval_partition.txt": "".join(f"{name} {i // 3}\n" for i, name in enumerate(names)),
        "identity_CelebA.txt": "".join(f"{name} 1\n" for name in names),
    }
    for name in ("list_bbox_celeba.txt", "list_landmarks_align_celeba.txt", "list_attr_celeba.txt"):
        contents[name] = "9\na b\n" + "".join(f"{one} 1 1\n" for one in names)
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    listed = [("", hashlib.md5(content.encode()).hexdigest(), name) for name, content in contents.items()]
    monkeypatch.setattr(datasets.CelebA, "file_list", listed)
    return tmp_path


def test_faces_are_decoded_once_in_their_own_splits(celeba: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = ("data=celeba", f"data.root={celeba}", "data.size=8", "data.batch_size=3")
    data = data_of(*overrides)
    assert entries() == ["CelebA, test", "CelebA, train", "CelebA, valid"]
    for i, split in enumerate(("train", "val", "test")):
        grey = data.images[split].images.float().mean((1, 2, 3))
        assert torch.allclose(grey, 20.0 * torch.arange(3 * i, 3 * i + 3), atol=1)
    monkeypatch.setattr("hourglass.data.sources.torchvision.opened", lambda path: pytest.fail("decoded again"))
    assert data_of(*overrides).fingerprint() == data.fingerprint()


def test_a_face_that_cannot_be_read_is_named(celeba: Path) -> None:
    (celeba / "celeba" / "img_align_celeba" / "000004.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"000004\.jpg"):
        CelebA(root=str(celeba), download=False, size=8, cache="logs/pictures").load()
    assert not list(Path("logs/pictures").glob(".*.tmp"))
