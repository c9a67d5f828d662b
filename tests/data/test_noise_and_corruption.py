"""Noise is a pure function of key and position; corruptions do to images what their closed forms say."""

import pytest
import torch

from helpers.project import configure, options
from hourglass.config.parts import Parts
from hourglass.data import noise
from hourglass.data.batches import RawBatch
from hourglass.data.corruption import Block, Gaussian, Masking, SaltAndPepper, Speckle

DIGITS = Parts(configure()).data
DIGITS.setup()


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return DIGITS.images["test"].images.float() / 255


@pytest.fixture(scope="module")
def key() -> torch.Tensor:
    return noise.keys(3, torch.arange(500))


def test_uniform_and_normal_have_their_moments(key: torch.Tensor) -> None:
    u, z = (draw(key, (4000,), "test").double() for draw in (noise.uniform, noise.normal))
    n = u.numel()
    assert u.min() >= 0
    assert u.max() < 1
    assert u.mean().item() == pytest.approx(0.5, abs=5 * (1 / 12 / n) ** 0.5)
    assert u.var().item() == pytest.approx(1 / 12, rel=0.01)
    assert z.mean().item() == pytest.approx(0, abs=5 / n**0.5)
    assert z.var().item() == pytest.approx(1, rel=0.01)
    assert z.pow(4).mean().item() == pytest.approx(3, rel=0.02)
    assert (z.abs() > 4).double().mean().item() == pytest.approx(6.33e-5, rel=0.3)


def test_noise_is_uncorrelated_along_pixels_images_streams_and_seeds(key: torch.Tensor) -> None:
    z = noise.normal(key, (2000,), "a").double()
    others = {
        "next pixel": z.roll(1, 1),
        "next image": z.roll(1, 0),
        "other stream": noise.normal(key, (2000,), "b").double(),
        "next seed": noise.normal(noise.keys(4, torch.arange(500)), (2000,), "a").double(),
    }
    for name, other in others.items():
        assert abs((z * other).mean().item()) < 5 / z.numel() ** 0.5, name


def test_the_bits_never_change() -> None:
    """A fingerprint: results of earlier runs can be compared with later ones only while this holds."""
    key = noise.keys(0, torch.arange(3))
    assert noise.uniform(key, (2,), "fingerprint").flatten().tolist() == pytest.approx(FINGERPRINT, abs=1e-7)


FINGERPRINT = [0.45687306, 0.47178215, 0.354177, 0.92059821, 0.05185515, 0.27487457]


@pytest.mark.parametrize(
    ("corruption", "expected"),
    [
        (Gaussian(std=0.3, clip=False), lambda x: 0.09),
        (Masking(p=0.25), lambda x: 0.25 * x.square().mean().item()),
        (SaltAndPepper(p=0.2), lambda x: 0.2 * (x.square().mean() - x.mean() + 0.5).item()),
        (Speckle(std=0.35, clip=False), lambda x: 0.35**2 * x.square().mean().item()),
    ],
)
def test_closed_forms(corruption, expected, x: torch.Tensor, key: torch.Tensor) -> None:
    mse = (corruption(x, key) - x).double().square().mean().item()
    assert mse == pytest.approx(expected(x), rel=0.02)


def test_block_covers_one_square_wholly_inside(x: torch.Tensor, key: torch.Tensor) -> None:
    ones = torch.ones(500, 3, 20, 28)
    holes = Block(size=8, count=1, value=0.0)(ones, key) == 0
    assert (holes.sum((1, 2, 3)) == 3 * 64).all()
    assert (holes.all(1) == holes.any(1)).all()  # the same pixels in every channel
    where = holes[:, 0].double().mean(0)
    assert where[0, 0] > 0  # corners are reached,
    assert where[-1, -1] > 0
    assert (Block(size=99, count=1, value=0.5)(ones, key) == 0.5).all()  # and a larger square covers all
    assert ((Block(size=4, count=3, value=0.0)(ones, key) == 0).sum((1, 2, 3)) <= 3 * 48).all()


@pytest.mark.parametrize("clip", [True, False])
def test_clip_is_what_it_says(clip: bool, x: torch.Tensor, key: torch.Tensor) -> None:
    for corruption in (Gaussian(std=0.5, clip=clip), Speckle(std=2.0, clip=clip)):
        y = corruption(x, key)
        assert (y.min() >= 0 and y.max() <= 1) == clip


@pytest.mark.parametrize("option", options("corruption"))
def test_a_corruption_depends_on_nothing_but_the_image(option: str) -> None:
    """Not on the batch it is in, its neighbours, or an earlier call; training noise is new every epoch."""
    data = Parts(configure(f"corruption={option}")).data
    data.setup()
    whole, part = data.pick("test", range(20)), data.pick("test", [17, 3])
    assert torch.equal(whole.input[[17, 3]], part.input)
    assert torch.equal(whole.target[[17, 3]], part.target)
    assert whole.target.min() >= 0
    assert whole.target.max() <= 1
    if option != "none":
        assert not torch.equal(whole.input, whole.target)
        raw = RawBatch(*data.images["train"].__getitems__(range(20)))
        first, again, second = (data.prepare(raw, "train", epoch).input for epoch in (0, 0, 1))
        assert torch.equal(first, again)
        assert not torch.equal(first, second)
        other_seed = Parts(configure(f"corruption={option}", "seed=1")).data
        assert not torch.equal(first, other_seed.prepare(raw, "train", 0).input)
        assert not torch.equal(first, data.prepare(raw, "val", 0).input)
