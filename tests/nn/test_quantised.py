"""Codes of whole numbers: known answers, what they cost, and that evaluating changes nothing."""

import itertools
import math
import sys
from typing import Any

import pytest
import torch

from helpers.project import parts
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.metrics.codebooks import CodebookUse
from hourglass.nn import CodeSpec

QUANTISED = ("vq", "rvq", "simvq", "fsq", "lfq")
SPEC = CodeSpec(((1, 12, 16), (6, 3, 4)), None)
FLAT = CodeSpec(((1, 8, 8), (32,)), None)


def made(option: str, *overrides: str, spec: CodeSpec = SPEC) -> Any:
    torch.manual_seed(0)
    return parts(f"latent={option}", "activation=none", *overrides).latent(spec)


@pytest.mark.parametrize(
    ("option", "overrides", "bits", "size"),
    [  # 12 positions
        ("vq", ["latent.codebook_size=64", "latent.dim=5"], 12 * 6, 12 * 5),
        ("rvq", ["latent.codebook_size=16", "latent.quantizers=3"], 12 * 3 * 4, 12 * 8),
        ("simvq", ["latent.codebook_size=128"], 12 * 7, 12 * 8),
        ("fsq", ["latent.levels=[8,6,5]"], 12 * math.log2(240), 12 * 3),
        ("lfq", ["latent.dim=9"], 12 * 9, 12 * 9),
    ],
)
def test_what_a_code_costs(option: str, overrides: list[str], bits: float, size: int) -> None:
    latent = made(option, *overrides)
    assert latent.code_bits == pytest.approx(bits)
    assert latent.code_size == size
    assert made(option, *overrides, spec=FLAT).code_bits == pytest.approx(bits / 12)  # one position
    spatial = parts("latent=gaussian_spatial", "latent.dim=5").latent(SPEC)
    assert (spatial.code_bits, spatial.code_size, spatial.noise_shape) == (None, 60, (5, 3, 4))


@pytest.mark.parametrize("option", QUANTISED)
@pytest.mark.parametrize("spec", [SPEC, FLAT], ids=["spatial", "flat"])
def test_evaluating_changes_nothing_and_the_numbers_say_all(option: str, spec: CodeSpec) -> None:
    latent = made(option, spec=spec)
    code = torch.randn(5, *spec.code_shape)
    for _ in range(2):  # before any training, and after a step
        latent.eval()
        before, draws = {k: v.clone() for k, v in latent.state_dict().items()}, torch.get_rng_state()
        coded, codes = latent(code), latent.codes(code)
        assert all(torch.equal(value, before[name]) for name, value in latent.state_dict().items())
        assert torch.equal(torch.get_rng_state(), draws)
        assert codes.dtype == torch.int64
        assert codes.shape == (5, *latent.grid, latent.quantizers)
        assert 0 <= codes.min() <= codes.max() < latent.codebook_size
        assert torch.equal(coded.codes, codes)
        assert torch.equal(coded.code, latent.decode_codes(codes))
        assert torch.equal(coded.code, latent.expand(latent.bottleneck(code)))
        assert coded.regularization == 0
        assert torch.equal(latent.train().codes(code), codes)
        latent(code)
    with pytest.raises(IncompatiblePair, match="use model=vae"):
        latent.sample(torch.zeros(5, 3))


def identity(latent: Any) -> Any:
    """The maps around the quantiser change nothing."""
    with torch.no_grad():
        for convolution in (latent.down, latent.up[0]):
            convolution.weight.copy_(torch.eye(len(convolution.weight))[..., None, None])
            convolution.bias.zero_()
    return latent


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
@pytest.mark.parametrize("option", ["vq", "rvq"])
def test_as_many_codes_as_distinct_vectors_are_exact(option: str, codebook: str) -> None:
    latent = identity(made(option, "latent.codebook_size=24", "latent.dim=6", f"latent.codebook={codebook}"))
    code = torch.randn(2, 6, 3, 4)
    latent.train()(code)
    torch.testing.assert_close(latent.eval()(code).code, code, rtol=0, atol=1e-5)
    assert latent.codes(code)[..., 0].unique().numel() == 24


def test_a_code_that_nothing_chooses_starts_again_where_the_batch_is() -> None:
    latent = identity(made("vq", "latent.codebook_size=8", "latent.dim=6", "latent.kmeans=0")).train()
    with torch.no_grad():
        latent.quantizer.layers[0]._codebook.embed.add_(100)
    code = torch.randn(8, 6, 3, 4)
    for _ in range(3):
        latent(code)
    assert latent.eval()(code).logs["usage"] > 0.8
    assert (latent(code).code - code).square().mean() < 1


def test_every_code_of_fsq_has_a_value_that_chooses_it() -> None:
    """By the paper's formulas: z = atanh((q + offset) / half) - shift is rounded to q."""
    levels = [8, 5, 4]
    latent = identity(made("fsq", f"latent.levels={levels}", spec=CodeSpec(((1, 32, 20), (3, 16, 10)), None))).eval()
    digits = torch.tensor(list(itertools.product(*(range(n) for n in levels))))  # (160, 3)
    n = torch.tensor(levels)
    half, offset = (n - 1) * (1 + 1e-3) / 2, torch.where(n % 2 == 0, 0.5, 0.0)
    z = ((digits - n // 2 + offset) / half).atanh() - (offset / half).atanh()
    codes = latent.codes(z.T.reshape(1, 3, 16, 10)).flatten()
    assert torch.equal(codes, (digits * torch.tensor([1, 8, 40])).sum(1))
    assert codes.unique().numel() == 160
    vectors = latent.decode_codes(codes.view(1, 16, 10, 1)).flatten(2)[0].T
    torch.testing.assert_close(vectors, (digits - n // 2) / (n // 2))


def test_several_quantisers_leave_less_and_less() -> None:
    code = torch.randn(16, 6, 3, 4)
    errors = []
    for quantizers in (1, 2, 4):
        latent = identity(made("rvq", "latent.dim=6", "latent.codebook_size=16", f"latent.quantizers={quantizers}"))
        latent.train()(code)
        errors.append((latent.eval()(code).code - code).square().mean().item())
    assert errors[0] > 1.3 * errors[1] > 1.6 * errors[2]


def test_the_loss_of_lfq_is_as_its_paper_has_it() -> None:
    latent = made("lfq", "latent.dim=3", "latent.entropy=0.7", "latent.diversity=0.4", "latent.commitment=0.2")
    code = torch.randn(4, 6, 3, 4) / 50
    z = latent.down(code).movedim(1, -1).flatten(0, 2).double()
    book = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=3))).double()
    logits = -100 * ((z[:, None] - book) ** 2).sum(-1)
    chances = torch.distributions.Categorical(logits=logits)
    mean = torch.distributions.Categorical(probs=chances.probs.mean(0))
    commitment = (z - z.sign()).square().sum(1).mean()
    expected = 12 * (0.7 * (chances.entropy().mean() - 0.4 * mean.entropy()) + 0.2 * commitment)
    torch.testing.assert_close(latent.train()(code).regularization.double(), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(latent.eval().bottleneck(code), latent.down(code).sign())


@pytest.mark.parametrize("option", ["vq", "simvq"])
def test_the_loss_of_learned_codes_is_their_distance(option: str) -> None:
    latent = made(option, "latent.codebook_size=16", "latent.commitment=0.3")
    code = torch.randn(4, 6, 3, 4)
    distance = (latent.down(code) - latent.bottleneck(code)).square().flatten(1).sum(1).mean()
    if option == "vq":
        latent.started.fill_(True)  # else k-means would move them first
    weight = {"vq": 0.3, "simvq": 1.3}[option]
    torch.testing.assert_close(latent.train()(code).regularization, weight * distance)


def test_usage_is_that_of_the_whole_set() -> None:
    """Two batches of which each uses two of four codes, of two codebooks; the mean over batches would be a half."""
    first, second = torch.tensor([[0, 0], [1, 0]]), torch.tensor([[2, 0], [3, 1]])
    use = CodebookUse(2, 4)
    for codes in (first, second):
        use.update(codes.view(2, 1, 1, 2))
    by_hand = (4 + 4 / 3**0.75) / 2  # exp of ln 4, and of the entropy of (3/4, 1/4)
    result = {name: value.item() for name, value in use.compute().items()}
    assert result == pytest.approx({"perplexity": by_hand, "usage": 6 / 8, "dead_codes": 2})


@pytest.mark.parametrize("option", ["vq", "rvq"])
def test_codes_that_nothing_would_move_are_refused(option: str) -> None:
    given = ["latent.codebook=gradient", "latent.kmeans=0", "latent.dead_below=0"]
    with pytest.raises(ConfigError, match=r"use a larger latent.commitment, or latent.codebook=ema"):
        made(option, *given, "latent.commitment=0")
    latent = made(option, *given, "latent.commitment=0.1").train()
    before = latent.books().detach().clone()
    latent(torch.randn(4, 6, 3, 4)).regularization.backward()
    assert max(p.grad.abs().max() for p in latent.quantizer.parameters() if p.grad is not None) > 0
    assert torch.equal(latent.books(), before)  # a step of the optimizer moves them
    latent = made(option, *given[1:], "latent.commitment=0").train()
    latent(torch.randn(4, 6, 3, 4))
    assert not torch.equal(latent.books(), before)  # of moving averages, the call itself


SIX = {"fsq": ["latent.levels=[3,3,3,3,3,3]"]} | {
    option: ["latent.dim=6", *(["latent.kmeans=0", "latent.codebook_size=256"] if option in ("vq", "rvq") else [])]
    for option in ("vq", "rvq", "simvq", "lfq")
}
"""Latents of as many numbers as `SPEC` has channels."""


@pytest.mark.parametrize("option", QUANTISED)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_under_autocast_the_same_codes_are_chosen(option: str, training: bool) -> None:
    """Of numbers that half precision holds exactly; around 3, where its products cannot tell a code from the next."""
    code = (torch.randn(300, 6, 3, 4, generator=torch.Generator().manual_seed(1)) + 3).bfloat16().float()
    coded = {}
    for autocast in (False, True):
        latent = identity(made(option, *SIX[option])).train(training)
        if option in ("vq", "rvq"):
            latent.quantizer.layers[0]._codebook.embed.data.mul_(3).add_(3)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            coded[autocast] = latent(code)
    assert torch.equal(coded[True].codes, coded[False].codes)
    torch.testing.assert_close(coded[True].regularization, coded[False].regularization)
    assert set(coded[True].logs) == {"usage", "perplexity"}  # in training these of a batch, and no `dead_codes`
    for name, value in coded[False].logs.items():
        torch.testing.assert_close(coded[True].logs[name], value, rtol=0, atol=0)


def test_codes_are_chosen_by_exact_products_and_the_setting_of_then_comes_back() -> None:
    latent, inside = made("vq").eval(), []
    latent.nearest = lambda z: inside.append(torch.get_float32_matmul_precision()) or torch.zeros(2, 12, 1)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        latent(torch.zeros(2, 6, 3, 4))
        assert (inside, torch.get_float32_matmul_precision()) == (["highest"], "high")
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("option", QUANTISED)
def test_without_the_extra_the_cure_is_named(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vector_quantize_pytorch", None)
    with pytest.raises(ConfigError, match=r"pip install 'hourglass\[vq\]'"):
        made(option)
