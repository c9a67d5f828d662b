"""What max unpooling goes by: `decoder.positions`."""

import torch
import torch.nn.functional as F

from hourglass.nn import MaxUnpool
from hourglass.nn.operators.pooling import Positions


def unpooled(positions: Positions, images: torch.Tensor, factor: int = 2) -> torch.Tensor:
    """The values of the maxima at the positions gone by, without the convolution."""
    up = MaxUnpool(1, 1, factor=factor, init="default", positions=positions)
    up.conv = torch.nn.Identity()  # type: ignore[assignment]
    pooled, index = F.max_pool2d(images, factor, ceil_mode=True, return_indices=True)
    return up(pooled, (images.shape[2], images.shape[3]), index)


def test_kept_is_pytorchs_max_unpooling() -> None:
    images = torch.rand(3, 1, 8, 8)
    pooled, index = F.max_pool2d(images, 2, return_indices=True)
    assert torch.equal(unpooled("kept", images), F.max_unpool2d(pooled, index, 2))


def test_rows_keep_the_row_and_go_to_the_first_column() -> None:
    image = torch.tensor([[1.0, 9, 0, 0], [0, 0, 5, 7]])[None, None]
    assert unpooled("rows", image)[0, 0].tolist() == [[9, 0, 0, 0], [0, 0, 7, 0]]


def test_shuffled_keeps_the_values_the_windows_and_how_often_each_position_occurs() -> None:
    images = torch.rand(2, 1, 16, 16)
    kept, shuffled = unpooled("kept", images), unpooled("shuffled", images)
    assert torch.equal(F.max_pool2d(shuffled, 2), F.max_pool2d(kept, 2))
    for row in range(2):
        for column in range(2):
            count = [int((x[..., row::2, column::2] > 0).sum()) for x in (kept, shuffled)]
            assert count[0] == count[1]
    assert not torch.equal(shuffled, kept)
    assert torch.equal(shuffled, unpooled("shuffled", images)), "always the same other window"


def test_positions_stay_in_images_that_the_factor_does_not_divide() -> None:
    for positions in ("rows", "shuffled"):
        assert int((unpooled(positions, torch.rand(1, 1, 7, 5) + 0.1) > 0).sum()) == 12
