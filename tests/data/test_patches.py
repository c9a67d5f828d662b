"""Masked images: what patches remove, what a mask names, and losses about it."""

import json
import math
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

import pytest
import torch

from helpers.project import TINY, configure, parts, run_train
from helpers.untrained_runs import untrained_run
from hourglass.cli import evaluate
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError
from hourglass.data import Block, Gaussian, Masking, Patches, noise
from hourglass.nn import Reconstruction
from hourglass.runs.job import Job, Notes
from hourglass.runs.train import Setting, train
from hourglass.training import BCE, L1, MSE, GaussianLikelihood
from hourglass.training.losses import counts_no_pixel, judged, refuse_without_mask

SHAPE, DO = (1, 28, 28), nullcontext()
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
    refuse_without_mask(MSE("all"), Gaussian(std=0.1, clip=False), SHAPE)
    for where in ("masked", "visible"):
        with pytest.raises(ConfigError, match=rf"where={where}, and Gaussian does not say .* use corruption=patches"):
            refuse_without_mask(MSE(where), Gaussian(std=0.1, clip=False), SHAPE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("corruption", "removes"),
    [
        (Patches(size=4, share=0.0), "no pixel"),
        (Patches(size=100, share=0.4), "no pixel"),  # round(0.4) of one patch
        (Masking(p=0.0), "no pixel"),
        (Patches(size=4, share=1.0), "every pixel"),
        (Block(size=28, count=1, value=0.0), "every pixel"),
        (Masking(p=1.0), "every pixel"),
        (Patches(size=4, share=0.02), "some"),  # one of 49
        (Masking(p=0.001), "some"),  # not every image loses a pixel
        (Block(size=27, count=3, value=0.0), "some"),
    ],
)
@pytest.mark.parametrize("where", ["all", "masked", "visible"])
def test_a_loss_about_no_pixel_is_refused(corruption: object, removes: str, where: Literal["all", "masked"]) -> None:
    """It would be 0 in every step, and train without a word."""
    nothing = (where, removes) in (("masked", "no pixel"), ("visible", "every pixel"))
    assert counts_no_pixel(MSE(where), corruption, SHAPE) == nothing
    with pytest.raises(ConfigError, match=f"removes {removes} of .* 1×28×28, .* loss.where=all") if nothing else DO:
        refuse_without_mask(MSE(where), corruption, SHAPE)


def test_a_run_whose_loss_is_about_no_pixel_does_not_begin(tmp_path: Path) -> None:
    configuration = configure(*TINY, "model=conv", "corruption=patches", "corruption.share=0", "loss.where=masked")
    job = Job(tmp_path / "run", configuration.id, {})
    with pytest.raises(ConfigError, match=r"loss\.where=masked, and Patches removes no pixel"):
        train(configuration, job, Setting(quiet=True), Notes())
    assert json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))["status"] == "failed"


@pytest.mark.parametrize(
    ("where", "corruption", "scored"),
    [
        ("masked", "gaussian", False),
        ("masked", "none", False),
        ("masked", "patches", True),
        ("visible", "gaussian", True),  # what was not removed is all of it
    ],
)
def test_an_evaluation_has_no_loss_of_no_pixels(tmp_path: Path, where: str, corruption: str, scored: bool) -> None:
    images = ("data=synthetic", "data.image_shape=[1,8,8]", "data.source.train=60", "data.source.test=10")
    more = ("latent=gaussian", "latent.dim=2", "channels=[4]", "data.val_size=20", "data.batch_size=10")
    run = untrained_run(tmp_path / "run", "corruption=patches", f"loss.where={where}", *images, *more)
    evaluate.main([f"run={run}", "accelerator=cpu", f"corruption={corruption}"])
    (path,) = (run / "evaluations").glob("*.json")
    metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
    assert {"test/mse", "test/kl"} <= set(metrics)
    of_loss = {name: metrics[name] for name in ("test/loss", "test/reconstruction") if name in metrics}
    assert len(of_loss) == 2 * scored
    assert all(value > 0 for value in of_loss.values())


@pytest.mark.slow
def test_a_masked_autoencoder_is_trained_by_the_command(tmp_path: Path) -> None:
    done = run_train(tmp_path / "masked", *TINY, "corruption=patches", "loss.where=masked")
    assert done.returncode == 0, done.stderr
    refused = run_train(tmp_path / "refused", *TINY, "loss.where=visible")
    assert refused.returncode != 0
    assert "use corruption=patches, block or masking" in refused.stdout + refused.stderr
