"""Masked images: what patches remove, what a mask names, and losses about it."""

import math
from pathlib import Path

import pytest
import torch

from helpers.project import TINY, configure, parts, run_train
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError
from hourglass.data import Block, Gaussian, Masking, Patches, noise
from hourglass.nn import Reconstruction
from hourglass.training import BCE, L1, MSE, GaussianLikelihood
from hourglass.training.losses import judged, refuse_without_mask

KEY = noise.keys(3, torch.arange(200))


@pytest.mark.parametrize(("shape", "size"), [((3, 28, 28), 4), ((1, 33, 45), 8), ((1, 5, 5), 9)])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.75, 1.0])
def test_a_share_of_the_patches_is_removed_whole_and_in_all_channels(
    shape: tuple[int, ...], size: int, share: float
) -> None:
    corruption, ones = Patches(size=size, share=share), torch.ones(200, *shape)
    removed = corruption(ones, KEY) == 0
    assert torch.equal(removed, corruption.mask(ones, KEY).expand_as(removed))
    grid = [math.ceil(side / size) for side in shape[1:]]
    corners = removed[..., ::size, ::size]
    assert corners.shape[2:] == tuple(grid)
    assert (corners[:, 0].sum((1, 2)) == round(share * math.prod(grid))).all()
    whole = corners.repeat_interleave(size, 2).repeat_interleave(size, 3)[..., : shape[1], : shape[2]]
    assert torch.equal(whole, removed)
    often = corners[:, 0].double().mean(0)  # every patch as often as another
    assert (often - round(share * math.prod(grid)) / math.prod(grid)).abs().max() < 5 * math.sqrt(0.25 / 200)


@pytest.mark.parametrize(
    "corruption", [Patches(size=4, share=0.5), Block(size=8, count=2, value=0.5), Masking(p=0.3)], ids=type
)
def test_a_mask_names_what_was_changed_also_where_the_image_is_black(corruption: object) -> None:
    bright = 0.6 + 0.4 * torch.rand(20, 3, 20, 28)
    mask = corruption.mask(bright, KEY[:20])  # type: ignore[attr-defined]
    assert mask.dtype == torch.bool
    changed = corruption(bright, KEY[:20]) != bright  # type: ignore[operator]
    assert torch.equal(changed, mask.expand_as(changed))
    assert torch.equal(corruption.mask(0 * bright, KEY[:20]), mask)  # type: ignore[attr-defined]


@pytest.mark.parametrize("loss", [MSE, L1, BCE, lambda where: GaussianLikelihood(0.1, where)])
def test_a_loss_is_that_of_the_pixels_it_is_about(loss: object) -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(4, 3, 6, 6), torch.rand(4, 3, 6, 6)
    mask = Patches(size=2, share=0.4).mask(target, KEY[:4])
    made = Reconstruction(logits.sigmoid(), logits, torch.zeros(()), mask=mask)
    by_place = {where: judged(loss(where), made, target).loss for where in ("all", "masked", "visible")}  # type: ignore[operator]
    torch.testing.assert_close(by_place["masked"] + by_place["visible"], by_place["all"])
    other = made._replace(
        pixels=torch.where(mask, made.pixels, 0.5), logits=torch.where(mask, logits, 0.0)
    )  # what is visible does not count
    torch.testing.assert_close(judged(loss("masked"), other, target).loss, by_place["masked"])  # type: ignore[operator]
    nothing = made._replace(mask=None)
    assert judged(loss("masked"), nothing, target).loss.tolist() == [0] * 4  # type: ignore[operator]
    torch.testing.assert_close(judged(loss("visible"), nothing, target).loss, by_place["all"])  # type: ignore[operator]


def test_a_batch_brings_the_mask_of_its_own_corruption() -> None:
    data = Parts(configure("corruption=patches")).data
    data.setup()
    batch = data.pick("test", range(8))
    assert batch.mask is not None
    assert (batch.input[batch.mask] == 0).all()
    assert torch.equal(batch.input[~batch.mask], batch.target[~batch.mask])
    assert parts().loss.needs_mask is False


def test_what_does_not_say_what_it_removed_is_refused() -> None:
    refuse_without_mask(MSE("all"), Gaussian(std=0.1, clip=False))
    refuse_without_mask(MSE("masked"), Patches(size=4, share=0.5))
    with pytest.raises(ConfigError, match=r"loss.where=masked, and Gaussian does not say .* use corruption=patches"):
        refuse_without_mask(MSE("masked"), Gaussian(std=0.1, clip=False))


@pytest.mark.slow
def test_a_masked_autoencoder_is_trained_by_the_command(tmp_path: Path) -> None:
    done = run_train(tmp_path / "masked", *TINY, "corruption=patches", "loss.where=masked")
    assert done.returncode == 0, done.stderr
    refused = run_train(tmp_path / "refused", *TINY, "loss.where=visible")
    assert refused.returncode != 0
    assert "use corruption=patches, block or masking" in refused.stdout + refused.stderr
