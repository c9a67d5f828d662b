"""What a network costs: parameters, multiply-adds, values and bits that the code holds; and time, which is measured."""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hourglass.nn.autoencoder import Autoencoder
from hourglass.nn.contract import NUMBER_BITS, Quantised
from hourglass.nn.layers import evaluating

LATENCY_IMAGES = 64
"""A batch whose forward pass is timed."""
BUDGET, LEAST, MOST = 0.1, 4, 32
"""Seconds that are spent on one latency, and how often the pass is repeated; the first one warms up."""


@torch.no_grad()
def of(autoencoder: Autoencoder) -> dict[str, float]:
    """Static costs; sizes, bits and multiply-adds are per image, sizes in values; the `decoder_` ones of it alone.

    `fused`: as far as operators have a cheaper form that is exactly the same, see `hourglass.nn.operators.fused`.
    Multiply-adds are those of `eval` mode; the mode it had is restored.
    """
    images = autoencoder.output_bias.new_zeros(1, *autoencoder.image_shape)
    with evaluating(autoencoder):
        whole, whole_fused = network_macs(autoencoder, images)
        decoder_macs, decoder_macs_fused = network_macs(autoencoder.decoder, autoencoder.encode(images))
        latent, whole_numbers = autoencoder.latent, {}
        if isinstance(latent, Quantised):
            whole_numbers = {"code_symbols": latent.codes(autoencoder.encoder(images).code).numel()}
    return {
        "num_params": sum(p.numel() for p in autoencoder.parameters()),
        "macs_per_image": whole,
        "macs_fused_per_image": whole_fused,
        "decoder_params": sum(p.numel() for p in autoencoder.decoder.parameters()),
        "decoder_macs": decoder_macs,
        "decoder_macs_fused": decoder_macs_fused,
        "image_size": math.prod(autoencoder.image_shape),
        "code_size": autoencoder.latent.code_size,
        "index_bits": round(autoencoder.index_bits),
    } | whole_numbers


def rate(autoencoder: Autoencoder, metrics: Mapping[str, float]) -> dict[str, float]:
    """What the decoder is given of an image: `code_bits`, with what travels beside the code, and `bits_per_pixel`.

    A pixel is one of H·W places, whatever the channels. Where the latent measures its bits, they are the `test/kl` of
    the `metrics`; one that says nothing of them has `NUMBER_BITS` for each number.
    """
    latent = autoencoder.latent
    bits = getattr(latent, "code_bits", NUMBER_BITS * latent.code_size)
    if bits is None:
        bits = max(metrics["test/kl"], 0.0) / math.log(2)  # in this order NaN stays; rounding may lead below 0
    bits += autoencoder.index_bits
    return {"code_bits": bits, "bits_per_pixel": bits / math.prod(autoencoder.image_shape[1:])}


def macs(autoencoder: Autoencoder) -> int:
    """Multiply-adds of one forward pass of one image, as executed."""
    return int(of(autoencoder)["macs_per_image"])


@torch.no_grad()
def network_macs(network: nn.Module, *inputs: object) -> tuple[int, int]:
    """Multiply-adds of the call network(*inputs): as executed, and with each operator in its cheaper form, if any."""
    calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []

    def note(operator: nn.Module, given: tuple[Any, ...], named: dict[str, Any], result: object) -> None:
        calls.append((operator, given, named))

    hooks = [p.register_forward_hook(note, with_kwargs=True) for p in network.modules() if hasattr(p, "fused")]
    try:
        executed = operator_macs(network, *inputs)
    finally:
        for hook in hooks:
            hook.remove()
    saved = 0
    for operator, given, named in calls:
        forms = (partial(form, *given, **named) for form in (operator, operator.fused()))
        saved += max(0, operator_macs(next(forms)) - operator_macs(next(forms)))
    return executed, executed - saved


@torch.no_grad()
def operator_macs(operator: Callable[..., object], *inputs: object) -> int:
    """Multiply-adds of the call operator(*inputs), by torch's own flop counter (2 flops each).

    All convolutions and matrix products count, fixed filters too; sums, comparisons and interpolation are free.
    """
    with FlopCounterMode(display=False) as counter:
        operator(*inputs)
    return counter.get_total_flops() // 2


@torch.no_grad()
def latency(autoencoder: Autoencoder) -> dict[str, float]:
    """Measured, milliseconds: the median over repetitions of a forward pass of 64 images, and of the decoder's part.

    On the device and in the number of threads of now, in `eval` mode; the mode it had is restored. The clock of a
    machine that does other work tells less: of `num_params` and multiply-adds nothing depends on that.
    """
    images = autoencoder.output_bias.new_zeros(LATENCY_IMAGES, *autoencoder.image_shape)
    images = images.to(memory_format=torch.channels_last)  # as a run has them
    with evaluating(autoencoder):
        encoded = autoencoder.encode(images)
        return {
            "latency_ms": round(median_ms(lambda: autoencoder(images), images), 3),
            "decoder_latency_ms": round(median_ms(lambda: autoencoder.decoder(encoded), images), 3),
        }


def median_ms(call: Callable[[], object], on: Tensor) -> float:
    """Median time of a call that computes on the device of the tensor `on`, milliseconds."""
    seconds: list[float] = []
    while len(seconds) < LEAST or (len(seconds) < MOST and sum(seconds) < BUDGET):
        start = time.perf_counter()
        call()
        if on.is_cuda:
            torch.cuda.synchronize(on.device)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[1:])
