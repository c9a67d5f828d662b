"""Splits, batches and sources."""

import gzip

import numpy as np
import pytest
import torch

from helpers.project import configure, options
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, DataError
from hourglass.data.batches import EvalBatches, TrainBatches
from hourglass.data.splits import split_off


def data_of(*overrides: str):
    data = Parts(configure(*overrides)).data
    data.setup()
    return data


def test_the_embedded_digits_have_their_fixed_split() -> None:
    data = data_of()
    assert {name: len(images) for name, images in data.images.items()} == {"train": 4000, "val": 500, "test": 500}
    last = torch.cat([data.images["val"].images, data.images["test"].images]).double() / 255
    assert last.square().mean().item() == pytest.approx(0.114079, abs=1e-6)  # science: the last 1,000 digits
    assert torch.equal(data.images["test"].images, data_of("seed=7").images["test"].images)
    assert sum(data.images[name].labels.bincount() for name in data.images).tolist() == [500] * 10


def test_validation_is_split_off_by_seed_and_never_touches_test() -> None:
    zero, again, one = (data_of("data=synthetic", f"seed={seed}") for seed in (0, 0, 1))
    assert torch.equal(zero.images["val"].images, again.images["val"].images)
    assert [len(zero.images[name]) for name in ("train", "val", "test")] == [4000, 500, 500]
    source = zero.source.load()
    split_off = torch.cat([zero.images["train"].images, zero.images["val"].images])
    assert sorted(image.numpy().tobytes() for image in split_off) == sorted(i.numpy().tobytes() for i in source.train)
    assert torch.equal(zero.images["test"].images, source.test)
    assert not torch.equal(zero.images["val"].images, one.images["val"].images)


def test_the_mean_is_that_of_all_training_pixels_by_channel() -> None:
    data = data_of("data=synthetic", "data.image_shape=[3,8,8]")
    images = data.images["train"].images.double() / 255
    assert data.mean.tolist() == pytest.approx(images.mean((0, 2, 3)).tolist(), rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 33, 45), (2, 7, 5)])
def test_synthetic_images_have_any_shape_and_use_the_range(shape: tuple[int, ...]) -> None:
    images = data_of("data=synthetic", f"data.image_shape={list(shape)}").images["train"].images
    assert images.shape[1:] == shape
    assert images.dtype == torch.uint8
    flat = (images.flatten(2).max(2).values == images.flatten(2).min(2).values).all(1)
    assert 0.3 < flat.double().mean() < 0.45  # a third of them flat colours
    assert 100 < images.double().mean() < 155


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_share_the_same_global_batches(ranks: int) -> None:
    def batches(rank: int, ranks: int, epoch: int = 3) -> list[list[int]]:
        return list(TrainBatches(100, 12, seed=5, position=lambda: (epoch, 0), rank=rank, ranks=ranks))

    whole, shares = batches(0, 1), [batches(rank, ranks) for rank in range(ranks)]
    assert len(whole) == 8
    for i, batch in enumerate(whole):
        assert sorted(batch) == sorted(index for share in shares for index in share[i])
    assert len({index for batch in whole for index in batch}) == 96
    assert whole != batches(0, 1, epoch=4)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 500])
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_evaluation_sees_every_image_once_in_equal_rounds(n: int, ranks: int) -> None:
    if n < ranks:
        with pytest.raises(DataError, match="use more images"):
            EvalBatches(n, 3, 0, ranks)
        return
    shares = [list(EvalBatches(n, 3, rank, ranks)) for rank in range(ranks)]
    assert sorted(index for share in shares for batch in share for index in batch) == list(range(n))
    assert len({len(share) for share in shares}) == 1
    assert all(batch for share in shares for batch in share)


def test_batches_are_fetched_whole_and_stay_bytes() -> None:
    data = data_of("data=synthetic", "data.image_shape=[3,8,8]")
    batch = next(iter(data.train_dataloader()))
    assert batch.images.shape == (64, 3, 8, 8)
    assert batch.images.dtype == torch.uint8
    assert data.prepare(batch, "train").target.is_contiguous(memory_format=torch.channels_last)


def test_the_order_is_a_function_of_the_seed() -> None:
    first, again, other = (next(iter(data_of(f"seed={s}").train_dataloader())).position.tolist() for s in (0, 0, 1))
    assert first == again
    assert first != other


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
    splits = Parts(configure("data=fashion_mnist", f"data.root={tmp_path}")).data.source.load()
    assert splits.classes[9] == "Ankle boot"
    assert splits.labels["test"].tolist() == labels[:10].tolist()
    val = split_off(splits, 5000, seed=0)
    assert torch.equal(val.val[:, 0, 0, 0].long(), val.labels["val"])  # they went with their images
    assert torch.equal(val.train[:, 0, 0, 0].long(), val.labels["train"])


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
    import hashlib
    import pickle

    from torchvision.datasets import CIFAR10

    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    random = np.random.default_rng(0)
    md5 = {}
    for name, _ in [*CIFAR10.train_list, *CIFAR10.test_list]:
        content = {"data": random.integers(0, 256, (10, 3072)).astype(np.uint8), "labels": [0] * 10}
        (folder / name).write_bytes(pickle.dumps(content))
        md5[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    meta = folder / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": ["x"]}))
    CIFAR10.train_list = [[name, md5[name]] for name, _ in CIFAR10.train_list]
    CIFAR10.test_list = [[name, md5[name]] for name, _ in CIFAR10.test_list]
    CIFAR10.meta = {"filename": meta.name, "key": "label_names", "md5": hashlib.md5(meta.read_bytes()).hexdigest()}


def test_colour_images_come_channels_first(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    for name in ("train_list", "test_list", "meta"):
        monkeypatch.setattr(CIFAR10, name, getattr(CIFAR10, name))
    cifar(tmp_path)
    data = data_of("data=cifar10", f"data.root={tmp_path}", "data.val_size=10", "data.batch_size=8")
    assert data.images["train"].images.shape == (40, 3, 32, 32)
    assert data.images["test"].labels.tolist() == [0] * 10
    assert data.images["test"].images.shape == (10, 3, 32, 32)


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (
            ["data.batch_size=4001"],
            DataError,
            "4000 training images are fewer than one batch: use data.batch_size=4000",
        ),
        (["data.val_size=10"], ConfigError, "validation split of its own: use data.val_size=null"),
        (["data=synthetic", "data.val_size=4500"], DataError, "must be less than the 4500 images"),
        (["data=synthetic", "data.val_size=null"], DataError, "must be less than the 4500 images"),
    ],
)
def test_splits_that_cannot_fill_a_batch_are_refused(overrides: list[str], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        data_of(*overrides)
