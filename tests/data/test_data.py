"""Splits, batches and sources."""

import pytest
import torch

from helpers.project import configure
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, DataError
from hourglass.data.batches import EvalBatches, TrainBatches


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
