"""Images a second of every operator, forward and backward, beside its arithmetic.

    python benchmarks/operator_speed.py [--rounds R] [--side N]

Down: 32 channels of N×N pixels to 64 of half the side; up: back again. Batches of 32, channels_last, float32. All take
turns; given are medians, and the multiply-adds a second of a step (three times those of the forward pass).
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from machine import hardware, in_the_environment_of_a_run

from hourglass.config.compose import compose_train, options, register_resolvers
from hourglass.config.parts import Parts
from hourglass.core.errors import IncompatiblePair
from hourglass.metrics.cost import operator_macs
from hourglass.nn import Autoencoder
from hourglass.nn.decoders import ConvDecoder
from hourglass.nn.encoders import ConvEncoder

NARROW, WIDE, BATCH = 32, 64, 32
PARTNERS = ("encoder=strided", "encoder=maxpool", "encoder=aps")
"""An encoder for each kind of index that a decoder may need."""


class Contender(NamedTuple):
    name: str
    macs: float
    """Multiply-adds of the forward pass, an image"""
    step: Callable[[], object]


def contenders(side: int) -> list[Contender]:
    image = (3, 2 * side, 2 * side)

    def network(*overrides: str) -> Autoencoder:
        configuration = compose_train([f"channels=[{NARROW},{WIDE}]", *overrides])
        return Parts(configuration).autoencoder(image)

    found = []
    for name in options("encoder"):
        encoder = network(f"encoder={name}", "decoder=linear").encoder
        if isinstance(encoder, ConvEncoder):
            found.append(contender(f"down: {name}", encoder.stages[1], NARROW, side))
    for name, partner in itertools.product(options("decoder"), PARTNERS):
        try:
            autoencoder = network(f"decoder={name}", partner)
        except IncompatiblePair:
            continue
        if isinstance(autoencoder.decoder, ConvDecoder) and f"up: {name}" not in [one.name for one in found]:
            with torch.no_grad():
                index = autoencoder.encoder(torch.rand(BATCH, *image)).indices[1]
            found.append(contender(f"up: {name}", autoencoder.decoder.stages[1], WIDE, side // 2, (side, side), index))
    return found


def contender(name: str, operator: Any, channels: int, side: int, *rest: Any) -> Contender:
    operator = operator.to(memory_format=torch.channels_last)
    x = torch.rand(BATCH, channels, side, side).to(memory_format=torch.channels_last).requires_grad_()

    def step() -> None:
        out = operator(x, *rest)
        out = out[0] if isinstance(out, tuple) else out
        out.sum().backward()
        operator.zero_grad()
        x.grad = None

    return Contender(name, operator_macs(operator, x, *rest) / BATCH, step)


def main(arguments: list[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--side", type=int, default=32)
    given = parser.parse_args(arguments)
    register_resolvers()
    all_of_them = contenders(given.side)
    seconds: dict[str, list[float]] = {one.name: [] for one in all_of_them}
    for round_ in range(given.rounds + 1):
        for one in all_of_them:
            start = time.perf_counter()
            one.step()
            if round_:  # the first one warms up
                seconds[one.name].append(time.perf_counter() - start)
    rows = []
    for one in all_of_them:
        median = statistics.median(seconds[one.name])
        rows.append((one.name.split(":")[0], BATCH / median, one, median))
    lines = ["| operator | M multiply-adds an image | images/s | G multiply-adds/s |", "|---|--:|--:|--:|"]
    for _, rate, one, median in sorted(rows, key=lambda row: (row[0], -row[1])):
        arithmetic = 3 * one.macs * BATCH / median / 1e9
        lines.append(f"| {one.name} | {one.macs / 1e6:.2f} | {rate:,.0f} | {arithmetic:.1f} |")
    return "\n".join([*lines, "", f"Medians of {given.rounds} rounds. {hardware()}."])


if __name__ == "__main__":
    in_the_environment_of_a_run()
    print(main())
