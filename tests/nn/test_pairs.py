"""Operators together: what travels beside the code, pairs that work, pairs that are refused, residual blocks."""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import pytest
import torch
from torch import nn

from helpers.project import autoencoder_for, options, parts
from helpers.variants import FACTORS, UPS, Variant, part, rectified_field
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.nn.autoencoder import Autoencoder
from hourglass.nn.blocks import Norm
from hourglass.nn.contract import CodeSpec, IndexKind
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.encoders import ConvEncoder
from hourglass.nn.latents import NoLatent

IMAGES = [(1, 28, 28), (1, 25, 25), (3, 33, 45)]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


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


def one_stage(image_channels: int, channels: int) -> CodeSpec:
    return CodeSpec(((image_channels, 28, 28), (channels, 14, 14)), None)


@pytest.mark.parametrize(
    ("make", "cure"),
    [
        (lambda: part("encoder", "dcae")((1, 28, 28), channels=[6]), "encoder=space_to_depth"),
        (lambda: part("decoder", "bilinear_additive")(one_stage(1, 6)), "decoder=bilinear"),
        (lambda: Variant("encoder", "haar", 3, ()).down(3, 16), "encoder=space_to_depth"),
        (lambda: Variant("decoder", "haar", 3, ()).up(16, 3), "decoder=subpixel"),
        (lambda: Variant("decoder", "transpose", 3, (("kernel_size", 2),)).up(16, 3), "decoder.kernel_size=3"),
        (lambda: part("encoder", "maxpool")((1, 1, 28)), "images"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_cure(make: Callable[[], object], cure: str) -> None:
    with pytest.raises(IncompatiblePair, match=f"use .*{cure}"):
        make()


@pytest.mark.parametrize("encoder", options("encoder"))
def test_every_pair_gives_back_the_shape_or_names_the_cure(encoder: str) -> None:
    refused, build = {}, parts().model
    for decoder, shape in itertools.product(options("decoder"), IMAGES):
        try:
            model: Autoencoder = build(
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
    for parameter in (*encoder.parameters(), *decoder.parameters()):
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.abs().sum() > 0


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


def test_the_default_network_has_no_blocks() -> None:
    state = autoencoder_for((1, 28, 28)).state_dict()
    stages = [f"{side}.stages.{i}.conv" for side in ("encoder", "decoder") for i in (0, 1)]
    assert list(state) == ["output_bias", *(f"{stage}.{array}" for stage in stages for array in ("weight", "bias"))]
