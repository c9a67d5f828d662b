"""Fair widths: `match=` scales `channels` of a pair, or `decoder.channels` alone, so that all jobs cost the same."""

import itertools
import logging
import math
from collections.abc import Callable
from functools import cache, partial

import torch
from torch import nn

from hourglass.config.compose import option
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.metrics import cost
from hourglass.nn import Autoencoder

log = logging.getLogger(__name__)
Build = Callable[[list[int]], Autoencoder]
COUNTED = {
    "params": ("num_params", "parameters"),
    "macs": ("macs_per_image", "multiply-adds an image"),
    "decoder_params": ("decoder_params", "parameters of the decoder"),
    "decoder_macs": ("decoder_macs", "multiply-adds of the decoder an image"),
    "decoder_macs_fused": ("decoder_macs_fused", "fused multiply-adds of the decoder an image"),
}
"""`match=` -> the key in `cost`, and what it counts."""
CLOSE, LIMIT = 0.015, 0.03
"""Relative distance from the target that ends the search (two such jobs differ by 3 % at most), and that is allowed."""
REACH, TRIES = 4, 100
"""Steps of width looked at around the exact scale, on each side of each stage; and networks built at most."""
WIDEST = 64
"""Widths grow by no more than this factor."""
STEPS = (1, 2, 4, 8, 16)
"""Operators may want channels in multiples, of factor² mostly."""


def matched(parts: Parts) -> Parts:
    """The same parts with widths scaled to the target, said in one line; as they are without `match`.

    `params` and `macs` scale `channels`, and so encoder and code too; the others `decoder.channels`, and nothing else.
    The target is `match_to`, or what encoder=maxpool decoder=transpose cost, everything else equal; where the encoder
    is left as it is, what decoder=transpose costs. Raises ConfigError where no widths come close enough,
    IncompatiblePair where the pair cannot work at all.
    """
    kind, match_to = parts.settings.match, parts.settings.match_to
    if kind is None:
        return parts
    key, unit = COUNTED[kind]
    shape = parts.data.image_shape
    with torch.random.fork_rng(devices=[]):  # the run's own weights are drawn as if nothing had been built before
        decoder_alone = kind.startswith("decoder")
        nominal = (decoder_channels if decoder_alone else nominal_channels)(parts, kind)
        build = partial(built, parts, "decoder" if decoder_alone else "encoder")
        to = reference(parts.configuration, nominal, decoder_alone)
        target = round(match_to or cost.of(to.autoencoder(shape))[key])
        chosen = matched_channels(build, nominal, kind, target)
        reached = cost.of(build(chosen))[key]
    instead = "as they are" if chosen == nominal else f"instead of {nominal}"
    off = f"{reached / target - 1:+.1%} of the target {target:,}"
    scaled = "decoder.channels" if decoder_alone else "channels"
    log.info("match=%s: %s %s %s, %s %s (%s)", kind, scaled, chosen, instead, f"{reached:,}", unit, off)
    widths = {scaled: chosen} if decoder_alone else {"channels": chosen, "encoder.channels": chosen}
    return Parts(parts.configuration.with_values({**widths, "match": None, "match_to": None}))


def built(parts: Parts, side: str, channels: list[int]) -> Autoencoder:
    """With other `channels` of the encoder or of the decoder."""
    networks = {name: getattr(parts, name) for name in ("encoder", "latent", "decoder")}
    networks[side] = partial(networks[side], channels=channels)
    model: Autoencoder = parts.model(parts.data.image_shape, **networks)
    return model


def nominal_channels(parts: Parts, kind: str) -> list[int]:
    """The configured widths."""
    keywords = parts.encoder.keywords  # type: ignore[attr-defined]
    if "channels" not in keywords:
        parts.autoencoder(parts.data.image_shape)  # a pair that cannot work says that first
        raise ConfigError(
            f"match={kind} scales channels, and this encoder has none: use a convolutional encoder such as "
            "encoder=strided, or leave this one out of the sweep"
        )
    return list(keywords["channels"])


def decoder_channels(parts: Parts, kind: str) -> list[int]:
    """The configured widths between the stages of the decoder: its own, or the encoder's."""
    spec = parts.autoencoder(parts.data.image_shape).encoder.spec
    keywords = parts.decoder.keywords  # type: ignore[attr-defined]
    if "channels" not in keywords or len(spec.shapes) < 3:
        raise ConfigError(
            f"match={kind} scales decoder.channels, the widths between the stages of a decoder, and this one has none: "
            "use a convolutional decoder such as decoder=transpose and two channels or more, or leave this one out"
        )
    return list(keywords["channels"] or (shape[0] for shape in spec.shapes[1:-1]))


def reference(configuration: Configuration, channels: list[int], decoder_alone: bool) -> Parts:
    """The same network, of these widths, but for decoder=transpose with its own defaults, and, unless it is about the
    `decoder_alone`, for encoder=maxpool."""
    pair: dict[str, object] = {"decoder": option("decoder", "transpose")}
    if decoder_alone:
        return Parts(configuration.with_values({**pair, "decoder.channels": channels}))
    return Parts(configuration.with_values({"channels": channels, "encoder": option("encoder", "maxpool"), **pair}))


def matched_channels(build: Build, channels: list[int], kind: str, target: int) -> list[int]:
    """`channels` scaled so that `build(channels)` costs `target`; raises as `matched` does.

    All stages are scaled by one factor first. Among the widths around that, the nearest in shape (sum of squared
    logarithms of the ratios) that is `CLOSE` is taken, or the one that comes nearest to the target.
    """
    key, unit = COUNTED[kind]
    step, grouping = smallest_step(build, channels)

    @cache
    def cost_of(widths: tuple[int, ...]) -> float:
        """Infinite where the pair refuses these widths, or would split its channels otherwise."""
        try:
            model = build(list(widths))
        except IncompatiblePair:
            return math.inf
        return cost.of(model)[key] if grouping_of(model) == grouping else math.inf

    def scaled(scale: float) -> tuple[int, ...]:
        return tuple(max(step, step * round(scale * width / step)) for width in channels)

    low, high = 1 / max(channels), float(WIDEST)
    while high / low > 1.005 and scaled(low) != scaled(high):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if cost_of(scaled(middle)) < target else (low, middle)
    around = [range(max(step, width - REACH * step), width + REACH * step + 1, step) for width in scaled(high)]
    nearest = sorted(
        itertools.product(*around),
        key=lambda widths: sum(math.log(w / (high * c)) ** 2 for w, c in zip(widths, channels, strict=True)),
    )
    best, off = nearest[0], math.inf
    for widths in nearest[:TRIES]:
        if abs(cost_of(widths) / target - 1) < off:
            best, off = widths, abs(cost_of(widths) / target - 1)
        if off <= CLOSE:
            break
    if off > LIMIT:
        widths_of = "decoder.channels" if kind.startswith("decoder") else "channels"
        raise ConfigError(
            f"match={kind}: no {widths_of} bring this pair within {LIMIT:.0%} of {target:,} {unit}; the best are "
            f"{list(best)} with {cost_of(best):,}: use wider {widths_of} for the whole sweep, or with match_to a cost "
            "that all its pairs can reach"
        )
    return list(best)


def smallest_step(build: Build, channels: list[int]) -> tuple[int, list[object]]:
    """By what widths can change, and `grouping_of` the network; raises IncompatiblePair where no widths work."""
    refusals = []
    for step in STEPS:
        widths = [step * -(-width // step) for width in channels]
        try:
            now, wider = (grouping_of(build([width + more for width in widths])) for more in (0, step))
        except IncompatiblePair as error:
            refusals.append(error)
        else:
            if now == wider:
                return step, now
    if refusals:
        raise refusals[0]
    raise ConfigError(f"channels {channels} leave no room for match: use channels that are multiples of 4")


def grouping_of(model: nn.Module) -> list[object]:
    """What widths may not change: the number of groups an operator splits its channels into, the size of a norm's."""
    grouping: list[object] = []
    for part in model.modules():
        if isinstance(part, nn.GroupNorm):
            grouping.append(part.num_channels // part.num_groups)
        elif hasattr(part, "groups") and not isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            grouping.append(part.groups)
    return grouping
