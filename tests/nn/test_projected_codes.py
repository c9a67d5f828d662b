"""Vectors that were drawn or interpolated, brought onto the codes that a latent can make."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import hourglass
from helpers.project import autoencoder_for, parts
from helpers.untrained_runs import untrained_run
from hourglass.nn import CodeSpec
from hourglass.runs.evaluation.codes.sample import draw
from hourglass.runs.evaluation.codes.sample_options import parse_options
from hourglass.training.callbacks.code_pictures import code_pictures

SPEC = CodeSpec(((1, 12, 16), (6, 3, 4)), None)
LATENTS = {
    "topk": ["latent=topk", "latent.dim=10", "latent.k=3"],
    "l1": ["latent=sparse", "latent.dim=10"],
    "kl": ["latent=sparse", "latent.dim=10", "latent.penalty=kl"],
    "vq": ["latent=vq", "latent.codebook_size=16"],
    "rvq": ["latent=rvq", "latent.codebook_size=8", "latent.quantizers=3"],
    "simvq": ["latent=simvq", "latent.codebook_size=16"],
    "fsq": ["latent=fsq", "latent.levels=[8,5,4,3]"],
    "lfq": ["latent=lfq", "latent.dim=4"],
}


def made(name: str) -> Any:
    torch.manual_seed(0)
    return parts(*LATENTS[name], "activation=none").latent(SPEC).eval()


def is_code(latent: Any, name: str, vectors: Tensor) -> bool:
    if name == "topk":
        return bool(((vectors != 0).sum(1) <= 3).all())
    if name in ("l1", "kl"):
        return bool((vectors >= 0).all() and (name == "l1" or (vectors <= 1).all()))
    rows = vectors.flatten(2).transpose(1, 2).flatten(0, 1)
    return bool((torch.cdist(rows.double(), book_of(latent).double()).min(1).values < 1e-5).all())


def book_of(latent: Any) -> Tensor:
    """(K, dim), every combination."""
    size, quantizers = latent.codebook_size, latent.quantizers
    numbers = torch.cartesian_prod(*[torch.arange(size)] * quantizers).view(-1, quantizers)
    book: Tensor = latent.vectors(numbers[None])[0]
    return book


@torch.no_grad()
@pytest.mark.parametrize("name", LATENTS)
def test_a_projection_is_a_code_and_codes_stay_as_they_are(name: str) -> None:
    latent = made(name)
    own = latent.bottleneck(torch.randn(5, *SPEC.code_shape))
    wild = 2 * torch.randn_like(own)
    assert not is_code(latent, name, wild)
    projected = latent.project(wild)
    assert is_code(latent, name, projected)
    assert projected.shape == own.shape
    if name != "rvq":  # whose quantisers choose one after the other
        torch.testing.assert_close(latent.project(own), own)
        torch.testing.assert_close(latent.project(projected), projected)


@torch.no_grad()
@pytest.mark.parametrize("name", ["vq", "simvq", "fsq", "lfq"])
def test_the_projection_on_a_codebook_is_the_nearest_code(name: str) -> None:
    latent = made(name)
    wild = torch.randn(5, latent.dim, 3, 4)
    rows, book = wild.flatten(2).transpose(1, 2).flatten(0, 1), book_of(latent)
    nearest = torch.cdist(rows.double(), book.double()).min(1).values
    found = latent.project(wild).flatten(2).transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close((found - rows).double().norm(dim=1), nearest, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_projection_on_k_numbers_is_the_nearest() -> None:
    latent, wild = made("topk"), torch.randn(20, 10)
    left = wild.square().sort(1).values[:, :7].sum(1)  # all but the three that are furthest from 0
    torch.testing.assert_close((latent.project(wild) - wild).square().sum(1), left)


@torch.no_grad()
@pytest.mark.parametrize("name", LATENTS)
def test_what_is_drawn_and_interpolated_is_decoded_as_codes(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    images = ("data=synthetic", "data.image_shape=[1,8,8]", "data.source.train=60", "data.source.test=40")
    given = ("channels=[4]", "activation=leaky_relu", *LATENTS[name])
    run = untrained_run(tmp_path / "run", *given, *images, "data.val_size=10", "data.batch_size=20")
    model, options = hourglass.load_run(run), parse_options([f"run={run}", "n=7", "components=2"])
    decoded: list[Tensor] = []
    expand = model.latent.expand
    monkeypatch.setattr(model.latent, "expand", lambda vectors: (decoded.append(vectors), expand(vectors))[1])
    if not hasattr(model.latent, "codes"):  # whole numbers are drawn by their frequencies
        draw(model, hourglass.load_data(run), "gmm", options)
        assert len(decoded[-1]) == 7
        assert is_code(model.latent, name, decoded[-1])
    decoded.clear()
    code_pictures(model, torch.rand(30, 1, 8, 8), 4)
    assert len(decoded) == 2 + min(8, model.latent.code_size)
    assert all(is_code(model.latent, name, vectors) for vectors in decoded)


@torch.no_grad()
def test_where_every_vector_is_a_code_it_is_decoded_as_it_is() -> None:
    model = autoencoder_for((1, 12, 12), "model=linear", "latent=dense", "latent.dim=10").eval()
    vectors = torch.randn(3, 10)
    assert torch.equal(model.pixels_of_bottleneck(vectors), model.pixels_of_code(model.latent.expand(vectors)))
