"""Widths at which decoders take as long as the transposed convolution, encoder and code fixed, and what they cost then.

    python benchmarks/equal_latency.py resize bilinear subpixel channels=[16,32] data=mnist5k

A run does not match latencies itself: its widths would depend on the noise of a clock. This measures once; the widths
that it prints go into the command line, as decoder.channels, and so into a run's configuration and id. A candidate and
decoder=transpose take turns, and the ratio of their medians counts; widths are halved in between until they are next to
each other. The forward pass of the decoder for a batch of 64 images; quiet machines tell more.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from machine import hardware, in_the_environment_of_a_run

from hourglass.config.compose import compose_train, register_resolvers
from hourglass.config.parts import Parts
from hourglass.metrics.cost import LATENCY_IMAGES, of
from hourglass.nn import Autoencoder
from hourglass.runs.matching import built, decoder_channels

WIDEST = 16
"""Widths are looked for up to so many times the configured ones."""


def decoding(model: Autoencoder) -> Callable[[], object]:
    model = model.to(memory_format=torch.channels_last).eval()
    images = torch.rand(LATENCY_IMAGES, *model.image_shape).to(memory_format=torch.channels_last)
    return partial(model.decoder, model.encode(images))


def medians(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Milliseconds of each; they take turns, and the first turn warms up."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for call, times in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [1000 * statistics.median(times[1:]) for times in seconds]


def widths_as_fast(parts: Parts, reference: Callable[[], object], rounds: int) -> list[int]:
    """The configured widths, scaled by one factor."""
    nominal = decoder_channels(parts, "latency")

    def scaled(scale: float) -> list[int]:
        return [max(1, round(scale * width)) for width in nominal]

    def ratio(widths: list[int]) -> float:
        candidate, other = medians([decoding(built(parts, "decoder", widths)), reference], rounds)
        return candidate / other

    low, high = 1 / max(nominal), float(WIDEST)
    while max(b - a for a, b in zip(scaled(low), scaled(high), strict=True)) > 1:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if ratio(scaled(middle)) < 1 else (low, middle)
    return min((scaled(low), scaled(high)), key=lambda widths: abs(ratio(widths) - 1))


@torch.no_grad()
def main(arguments: list[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("decoders", nargs="+", help="options of the group decoder, and overrides as for train.py")
    parser.add_argument("--rounds", type=int, default=31)
    given = parser.parse_args(arguments)
    names = [name for name in given.decoders if "=" not in name]
    overrides = [name for name in given.decoders if "=" in name]
    register_resolvers()

    def parts(decoder: str) -> Parts:
        return Parts(compose_train([*overrides, f"decoder={decoder}"]))

    of_transpose = parts("transpose")
    reference = decoding(of_transpose.autoencoder(of_transpose.data.image_shape))
    lines = [
        "| decoder | widths | ms | of transpose | parameters | multiply-adds | fused |", "|---|---|--:|--:|--:|--:|--:|"
    ]  # fmt: skip
    for name in ("transpose", *names):
        widths = widths_as_fast(parts(name), reference, given.rounds)
        model = built(parts(name), "decoder", widths)
        costs, (ms, other) = of(model), medians([decoding(model), reference], given.rounds)
        option = f"`decoder={name} decoder.channels={str(widths).replace(' ', '')}`"
        numbers = " | ".join(f"{costs[key]:,}" for key in ("decoder_params", "decoder_macs", "decoder_macs_fused"))
        lines.append(f"| {name} | {option} | {ms:.2f} | {ms / other:.2f} | {numbers} |")
    return "\n".join([*lines, "", f"Medians of {given.rounds} turns, {LATENCY_IMAGES} images. {hardware()}."])


if __name__ == "__main__":
    in_the_environment_of_a_run()
    print(main())
