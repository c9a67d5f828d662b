"""Every operator of `conf/`, with every value of its options: sizes, costs, gradients, power, flat fields, pairs."""

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, get_args

import pytest
import torch
import torch.nn.functional as F
from conftest import CONF, configure, options
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hourglass import build
from hourglass.autoencoder import Autoencoder
from hourglass.blocks import Norm
from hourglass.decoders import ConvDecoder
from hourglass.encoders import ConvEncoder
from hourglass.errors import ConfigError, IncompatiblePair
from hourglass.latents import NoLatent
from hourglass.metrics import PhaseErrorImbalance, flat_field_gain_share
from hourglass.spec import CodeSpec, Encoded, IndexKind

FACTORS = (2, 4)
IMAGES = [(1, 28, 28), (1, 25, 25), (3, 33, 45)]


@cache
def part(group: str, name: str) -> Any:
    """What `encoder=name` or `decoder=name` builds, still without image shape or `CodeSpec`."""
    return build.part(configure(f"{group}={name}"), group)


@dataclass(frozen=True)
class Variant:
    """One operator with one choice of its options, as the stack of `conf/` would build it."""

    group: str
    name: str
    factor: int
    chosen: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{key}={value}" for key, value in self.chosen), f"x{self.factor}"])

    @property
    def kind(self) -> IndexKind | None:
        operator = part(self.group, self.name).keywords["down" if self.group == "encoder" else "up"].func
        kind: IndexKind | None = operator.index_kind if self.group == "encoder" else operator.needs_index
        return kind

    def down(self, ci: int, co: int, activation: str = "none") -> Any:
        stack, side = part(self.group, self.name), 4 * self.factor
        operator = partial(stack.keywords["down"], factor=self.factor, **dict(self.chosen))
        return stack((ci, side, side), down=operator, channels=[co], activation=activation).stages[0]

    def up(self, ci: int, co: int) -> Any:
        stack, spec = part(self.group, self.name), CodeSpec(((co, self.factor, self.factor), (ci, 1, 1)), self.kind)
        return stack(spec, up=partial(stack.keywords["up"], factor=self.factor, **dict(self.chosen))).stages[0]

    def index(self, n: int, c: int, size: tuple[int, int]) -> Tensor | None:
        """What an encoder could have sent for a code of c channels from `size`."""
        if self.kind == "argmax":
            return F.max_pool2d(torch.rand(n, c, *size), self.factor, ceil_mode=True, return_indices=True)[1]
        return torch.randint(self.factor**2, (n,)) if self.kind == "polyphase" else None


def variants(group: str) -> Iterator[Variant]:
    """Operators found in `conf/`, their options in the signature: all values of a Literal or bool, kernels up to 5."""
    seen = set()
    for name, factor in itertools.product(options(group), FACTORS):
        stack = part(group, name)
        if stack.func not in (ConvEncoder, ConvDecoder):
            continue
        operator = stack.keywords["down" if group == "encoder" else "up"].func
        choices: dict[str, tuple[Any, ...]] = {}
        for key, parameter in inspect.signature(operator, eval_str=True).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY and key not in ("factor", "init"):
                values = (False, True) if parameter.annotation is bool else get_args(parameter.annotation)
                choices[key] = (None, *range(factor, 6)) if type(None) in values else values
        for values in itertools.product(*choices.values()):
            made = (operator, stack.keywords.get("smooth"), factor, values)
            if made not in seen:
                seen.add(made)
                yield Variant(group, name, factor, tuple(zip(choices, values, strict=True)))


DOWNS, UPS = list(variants("encoder")), list(variants("decoder"))
FLAT = ("resize", "bilinear", "fir", "bilinear_additive", "smooth", "nearest")
"""A flat field stays flat; so do the dynamic ones up to rounding, and sub-pixel convolution that starts by ICNR."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def sizes(factor: int) -> Iterator[tuple[int, int]]:
    yield from ((n, n) for n in range(factor, 34))
    yield from ((25, 33), (33, 18), (factor, 33), (31, factor))


def cells(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return math.ceil(size[0] / factor), math.ceil(size[1] / factor)


def rectified_field(n: int, c: int, side: int, grain: int) -> Tensor:
    """What a stage sees, behind a ReLU and slowly varying: (n, c, side, side), independent channels of power 1/2."""
    coarse = torch.randn(n, c, side // grain + 3, side // grain + 3)
    field = F.interpolate(coarse, scale_factor=float(grain), mode="bicubic")[..., grain : grain + side, :][..., :side]
    return F.relu(field / field.square().mean().sqrt())


def power(x: Tensor) -> float:
    return x.square().mean().item()


# Shapes


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("variant", DOWNS, ids=str)
def test_every_way_down_rounds_up(variant: Variant, channels: int) -> None:
    operator = variant.down(channels, 16, "relu")
    for size in sizes(variant.factor):
        code, index = operator(torch.rand(2, channels, *size))
        assert code.shape == (2, 16, *cells(size, variant.factor))
        assert torch.isfinite(code).all()
        assert (index is None) == (operator.index_kind is None)


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("variant", UPS, ids=str)
def test_every_way_up_returns_exactly_the_size(variant: Variant, channels: int) -> None:
    operator = variant.up(16, channels)
    for size in sizes(variant.factor):
        y = torch.rand(2, 16, *cells(size, variant.factor))
        x = operator(y, size, variant.index(2, 16, size))
        assert x.shape == (2, channels, *size)
        assert torch.isfinite(x).all()


# One image, one operator


@torch.no_grad()
@pytest.mark.parametrize("variant", [*DOWNS, *UPS], ids=str)
def test_an_image_does_not_depend_on_its_batch_nor_an_operator_on_chance(variant: Variant) -> None:
    built = []
    for _ in range(2):
        torch.manual_seed(1)
        operator = (variant.down(16, 32, "relu") if variant.group == "encoder" else variant.up(16, 3)).double()
        built.append(operator)
    assert all(torch.equal(a, b) for a, b in zip(*(o.state_dict().values() for o in built), strict=True))
    size = (13, 18)
    if variant.group == "encoder":
        x = torch.randn(3, 16, *size, dtype=torch.float64)
        together, alone, again = built[0](x)[0], built[0](x[:1])[0], built[1](x)[0]
    else:
        y, index = torch.randn(3, 16, *cells(size, variant.factor), dtype=torch.float64), variant.index(3, 16, size)
        together, again = built[0](y, size, index), built[1](y, size, index)
        alone = built[0](y[:1], size, None if index is None else index[:1])
    assert torch.equal(together, again)
    torch.testing.assert_close(together[:1], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", [*DOWNS, *UPS], ids=str)
def test_every_parameter_and_the_input_get_a_finite_gradient(variant: Variant) -> None:
    size = (13, 18)
    if variant.group == "encoder":
        operator, x = variant.down(3, 16, "relu"), torch.randn(2, 3, *size, requires_grad=True)
        out = operator(x)[0]
    else:
        operator, x = variant.up(16, 3), torch.randn(2, 16, *cells(size, variant.factor), requires_grad=True)
        out = operator(x, size, variant.index(2, 16, size))
    (out * torch.randn_like(out)).sum().backward()
    for tensor in (x, *operator.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().sum() > 0


@torch.no_grad()
@pytest.mark.parametrize("size", [(28, 28), (13, 18)], ids=str)
@pytest.mark.parametrize("variant", [*DOWNS, *UPS], ids=str)
def test_the_formula_of_multiply_adds_is_what_torch_counts(variant: Variant, size: tuple[int, int]) -> None:
    grid = cells(size, variant.factor)
    if variant.group == "encoder":
        operator, inputs, shapes = variant.down(3, 16), (torch.rand(1, 3, *size),), ((3, *size), (16, *grid))
    else:
        inputs = (torch.rand(1, 16, *grid), size, variant.index(1, 16, size))
        operator, shapes = variant.up(16, 3), ((16, *grid), (3, *size))
    with FlopCounterMode(display=False) as counter:
        operator(*inputs)
    assert operator.macs(*shapes) == counter.get_total_flops() // 2


@pytest.mark.parametrize("group", ["encoder", "decoder"])
def test_an_operator_is_one_small_file_and_says_what_it_is(group: str) -> None:
    for variant in DOWNS if group == "encoder" else UPS:
        operator: Any = variant.down(16, 16) if group == "encoder" else variant.up(16, 3)
        assert len((CONF / group / f"{variant.name}.yaml").read_text().splitlines()) <= 4
        description = " ".join(inspect.getdoc(type(operator)).split())
        for fact in ("Size", "ide information", "Source", " = "):
            assert fact in description, (variant, fact)


# Power: what a matched start means


@torch.no_grad()
@pytest.mark.parametrize("variant", DOWNS, ids=str)
def test_matched_ways_down_pass_on_the_same_power(variant: Variant) -> None:
    """Without an activation, output power is twice the input's; a ReLU will halve it."""
    x, s, ratios = rectified_field(2, 16, 48, grain=16), variant.factor, []
    for _ in range(4):
        y = variant.down(16, 64)(x)[0]
        ratios.append(power(y[..., 2:-2, 2:-2]) / power(x[..., 2 * s : -2 * s, 2 * s : -2 * s]) / 2)
    assert 0.75 < sum(ratios) / len(ratios) < 1.25


@torch.no_grad()
@pytest.mark.parametrize("variant", UPS, ids=str)
def test_matched_ways_up_pass_on_the_same_power(variant: Variant) -> None:
    y, s, ratios = rectified_field(2, 32, 12, grain=8), variant.factor, []
    size = (12 * s, 12 * s)
    for _ in range(4):
        x = variant.up(32, 64)(y, size, variant.index(2, 32, size))
        ratios.append(power(x[..., 3 * s : -3 * s, 3 * s : -3 * s]) / power(y[..., 3:-3, 3:-3]) / 2)
    assert 0.75 < sum(ratios) / len(ratios) < 1.25


# Flat fields and noise: the untrained layer


def gain_share(variant: Variant, seed: int) -> float:
    torch.manual_seed(seed)
    index = variant.index(1, 16, (16 * variant.factor, 16 * variant.factor))
    return flat_field_gain_share(variant.up(16, 16), 16, variant.factor, index).item()


@pytest.mark.parametrize("variant", [v for v in UPS if v.name in FLAT or dict(v.chosen).get("icnr")], ids=str)
def test_a_flat_field_stays_flat(variant: Variant) -> None:
    assert max(gain_share(variant, seed) for seed in range(5)) < 1e-10


@pytest.mark.parametrize(
    "variant", [v for v in UPS if v.name == "transpose" or v.chosen == (("icnr", False),)], ids=str
)
def test_overlap_is_not_what_a_flat_field_shows(variant: Variant) -> None:
    """Random weights give every phase its own gain, with overlap or without: (s² - 1)/s² of the power."""
    expected = 1 - 1 / variant.factor**2
    assert sum(gain_share(variant, seed) for seed in range(20)) / 20 == pytest.approx(expected, abs=0.06)


@torch.no_grad()
@pytest.mark.parametrize(("kernel_size", "expected"), [(2, 0.0), (3, 0.6), (4, 0.0), (5, 0.385)])
def test_overlap_shows_in_the_power_of_noise(kernel_size: int, expected: float) -> None:
    """9:6:6:4 of the taps for kernel 5, 4:2:2:1 for kernel 3, equal where the stride divides the kernel."""
    variant = next(
        v for v in UPS if v.name == "transpose" and v.factor == 2 and v.chosen == (("kernel_size", kernel_size),)
    )
    imbalance = PhaseErrorImbalance(2, border=4)
    for seed in range(40):
        torch.manual_seed(seed)
        imbalance.update(variant.up(16, 16)(torch.randn(4, 16, 16, 16), (32, 32), None))
    assert imbalance.compute().item() == pytest.approx(expected, abs=0.02)


# Side information


@pytest.mark.parametrize(("factor", "bits"), [(2, 2), (4, 4)])
def test_index_bits_are_counted(factor: int, bits: int) -> None:
    stacks = {name: part("encoder", name) for name in options("encoder")}
    built = {}
    for name, stack in stacks.items():
        if stack.func is ConvEncoder:
            built[name] = stack((1, 32, 32), down=partial(stack.keywords["down"], factor=factor))
    values = [math.prod(shape) for shape in built["maxpool"].spec.shapes[1:]]
    assert built["maxpool"].index_bits == bits * sum(values)  # a position for each value
    assert built["aps"].index_bits == bits * len(values)  # a grid for each level
    assert all(encoder.index_bits == 0 for name, encoder in built.items() if encoder.spec.index is None)
    assert sum(encoder.spec.index is not None for encoder in built.values()) == 2


def test_an_operator_without_its_index_names_the_cure() -> None:
    wanting = [variant for variant in UPS if variant.kind]
    assert {variant.kind for variant in wanting} == set(get_args(IndexKind))
    for variant in wanting:
        with pytest.raises(IncompatiblePair, match="use encoder="):
            variant.up(16, 3)(torch.rand(1, 16, 4, 4), (4 * variant.factor, 4 * variant.factor), None)


# Refusals


@pytest.mark.parametrize(
    ("make", "cure"),
    [
        (lambda: part("encoder", "dcae")((1, 28, 28), channels=[6]), "encoder=space_to_depth"),
        (lambda: part("decoder", "bilinear_additive")(CodeSpec(((1, 28, 28), (6, 14, 14)), None)), "decoder=bilinear"),
        (lambda: DOWN_BY_3("haar"), "encoder=space_to_depth"),
        (lambda: UP_BY_3("haar"), "decoder=subpixel"),
        (lambda: UP_BY_3("transpose", kernel_size=2), "decoder.kernel_size=3"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_cure(make: Callable[[], nn.Module], cure: str) -> None:
    with pytest.raises(IncompatiblePair, match=cure):
        make()


def DOWN_BY_3(name: str) -> nn.Module:  # noqa: N802
    return Variant("encoder", name, 3, ()).down(3, 16)


def UP_BY_3(name: str, **chosen: Any) -> nn.Module:  # noqa: N802
    return Variant("decoder", name, 3, tuple(chosen.items())).up(18, 3)


@pytest.mark.parametrize("encoder", options("encoder"))
def test_every_pair_gives_back_the_shape_or_names_the_cure(encoder: str) -> None:
    config, refused = configure(), {}
    for decoder, shape in itertools.product(options("decoder"), IMAGES):
        try:
            model: Autoencoder = build.part(config, "model")(
                shape, encoder=part("encoder", encoder), latent=NoLatent, decoder=part("decoder", decoder)
            )
        except IncompatiblePair as refusal:
            refused[decoder, shape] = str(refusal)
            continue
        assert model(torch.rand(1, *shape)).shape == (1, *shape)
    cures = [f"use {group}={name}" for group in ("encoder", "decoder") for name in options(group)]
    assert all(any(cure in message for cure in cures) for message in refused.values()), refused


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("encoder", options("encoder"))
def test_grids_of_one_cell_are_no_trouble(encoder: str, factor: int) -> None:
    """4 stages on 5×7: the last ones bring 1×1 to 1×1."""
    for decoder in options("decoder"):
        stack_down, stack_up = part("encoder", encoder), part("decoder", decoder)
        if stack_down.func is not ConvEncoder or stack_up.func is not ConvDecoder:
            continue
        down = stack_down((1, 5, 7), down=partial(stack_down.keywords["down"], factor=factor), channels=[16] * 4)
        try:
            up = stack_up(down.spec, up=partial(stack_up.keywords["up"], factor=factor))
        except IncompatiblePair:
            continue
        assert up(down(torch.rand(2, 1, 5, 7))).shape == (2, 1, 5, 7)


# Residual blocks


def stacks(blocks: int, norm: Norm, channels: list[int], shape: tuple[int, ...] = (3, 24, 20)) -> tuple[Any, Any]:
    encoder = part("encoder", "strided")(shape, channels=channels, blocks=blocks, norm=norm)
    return encoder, part("decoder", "resize")(encoder.spec, blocks=blocks, norm=norm)


@pytest.mark.parametrize("norm", get_args(Norm))
def test_untrained_blocks_change_nothing(norm: Norm) -> None:
    plain, deep = stacks(0, "none", [16, 20]), stacks(3, norm, [16, 20])
    for shallow, stack in zip(plain, deep, strict=True):
        missing = stack.load_state_dict(shallow.state_dict(), strict=False).missing_keys
        assert len(missing) >= 2 * 3 * 4  # stages, blocks, two convolutions with bias
        assert all(key.startswith("blocks.") for key in missing)
    x = torch.rand(2, 3, 24, 20)
    code = plain[0](x)
    torch.testing.assert_close(deep[0](x).code, code.code)
    torch.testing.assert_close(deep[1](code), plain[1](code))


@pytest.mark.parametrize("norm", get_args(Norm))
def test_a_deep_stack_trains(norm: Norm) -> None:
    encoder, decoder = stacks(4, norm, [16, 20], (3, 16, 16))
    x = rectified_field(8, 3, 16, grain=4).clamp(max=1)
    optimizer, losses = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3), []
    for _ in range(15):
        loss = (decoder(encoder(x)) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in encoder.parameters())


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_norm_without_blocks_has_no_effect_and_is_refused(norm: Norm) -> None:
    with pytest.raises(ConfigError, match="use blocks=1 or more, or norm=none"):
        stacks(0, norm, [16])


def test_groups_divide_the_channels() -> None:
    for channels in (1, 3, 7, 16, 18, 32, 100, 256):
        encoder, _ = stacks(1, "group", [channels])
        norms = [m for m in encoder.modules() if isinstance(m, nn.GroupNorm)]
        assert [norm.num_channels for norm in norms] == [channels, channels]
        assert norms[0].num_groups <= 32
        assert norms[0].num_groups == 1 or channels // norms[0].num_groups >= 4


def test_the_default_network_is_six_arrays_less_nothing() -> None:
    torch.manual_seed(0)
    model = build.autoencoder(configure(), (1, 28, 28))
    names = [
        f"{side}.stages.{i}.conv.{what}"
        for side in ("encoder", "decoder")
        for i in (0, 1)
        for what in ("weight", "bias")
    ]
    assert list(model.state_dict()) == names
    encoded = model.encoder(torch.rand(1, 1, 28, 28))
    assert isinstance(encoded, Encoded)
