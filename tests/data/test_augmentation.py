"""Augmentations: what they do to an image of known pixels, and that they are functions of (seed, epoch, image)."""

import pytest
import torch
from torch import Tensor

from helpers.project import configure, options
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError
from hourglass.data import ImageData, Moves, noise
from hourglass.data.batches import RawBatch

SIDE = 5
IMAGE = torch.arange(2 * SIDE * SIDE, dtype=torch.float32).view(1, 2, SIDE, SIDE)


def many(moves: Moves, n: int = 4000) -> Tensor:
    return moves(IMAGE.expand(n, -1, -1, -1).contiguous(), noise.keys(1, torch.arange(n)))


def frequencies(moved: Tensor, expected: list[Tensor]) -> list[float]:
    """How often each is what an image became; they are all that ever is."""
    shares = [float((moved == one).flatten(1).all(1).double().mean()) for one in expected]
    assert sum(shares) == pytest.approx(1)
    return shares


def test_half_are_mirrored() -> None:
    flipped = many(Moves(flip=True, shift=0, rotate90=False))
    assert frequencies(flipped, [IMAGE, IMAGE.flip(3)]) == pytest.approx([0.5, 0.5], abs=0.03)


def test_a_quarter_are_turned_each_way() -> None:
    turned = many(Moves(flip=False, shift=0, rotate90=True))
    ways = [IMAGE.rot90(k, (2, 3)) for k in range(4)]
    assert frequencies(turned, ways) == pytest.approx([0.25] * 4, abs=0.03)
    both = many(Moves(flip=True, shift=0, rotate90=True))
    assert min(frequencies(both, [*ways, *(way.flip(3) for way in ways)])) > 0.1


def test_shifts_are_crops_of_the_image_padded_by_reflection() -> None:
    shifted = many(Moves(flip=False, shift=2, rotate90=False))
    padded = torch.nn.functional.pad(IMAGE, (2, 2, 2, 2), mode="reflect")
    crops = [padded[:, :, top : top + SIDE, left : left + SIDE] for top in range(5) for left in range(5)]
    assert frequencies(shifted, crops) == pytest.approx([1 / 25] * 25, abs=0.015)


@pytest.mark.parametrize("option", options("augmentation"))
def test_every_option_depends_on_the_image_alone_and_changes_from_epoch_to_epoch(option: str) -> None:
    data: ImageData = Parts(configure(f"augmentation={option}", "data=synthetic", "data.image_shape=[3,16,16]")).data
    data.setup()
    position = torch.arange(40)
    raw = RawBatch(data.images["train"].images[:40], position)

    def prepared(batch: RawBatch, epoch: int) -> Tensor:
        return data.prepare(batch, "train", epoch, augmented=True).target

    whole = prepared(raw, 1)
    part = prepared(RawBatch(raw.images[[7, 3]], position[[7, 3]]), 1)
    assert torch.equal(part, whole[[7, 3]])
    assert torch.equal(prepared(raw, 1), whole)
    assert torch.equal(prepared(raw, 2), whole) == (option == "none")
    assert torch.equal(whole, data.prepare(raw, "train", 1).target) == (option == "none")
    assert whole.is_contiguous(memory_format=torch.channels_last)
    validation = data.pick("val", range(8))
    assert torch.equal(validation.target, data.images["val"].images[:8].float() / 255)  # it is never augmented


def test_input_and_target_are_moved_alike_and_then_corrupted() -> None:
    data: ImageData = Parts(configure("augmentation=flip_crop", "corruption=masking", "corruption.p=0.3")).data
    data.setup()
    raw = RawBatch(data.images["train"].images[:64], torch.arange(64))
    batch = data.prepare(raw, "train", 5, augmented=True)
    kept = batch.input != 0
    assert torch.equal(batch.input[kept], batch.target[kept])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["augmentation=crop", "augmentation.shift=28"], "augmentation.shift=28 leaves nothing of images of 28×28"),
        (["augmentation=rotate90", "data=synthetic", "data.image_shape=[1,8,9]"], "these are 8×9: use false"),
        (["augmentation=crop", "augmentation.shift=-1"], "augmentation.shift=-1"),
    ],
)
def test_what_these_images_cannot_bear_is_refused_before_they_are_read(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _ = Parts(configure(*overrides)).data


def test_none_is_no_part_of_an_id_and_others_are() -> None:
    plain = configure()
    without = {key: value for key, value in plain.plain.items() if key != "augmentation"}
    from hourglass.config.identity import run_id

    assert run_id(without) == plain.id
    assert len({configure(f"augmentation={option}").id for option in options("augmentation")}) == 5
