"""Parts that go through the operators: all pairs, and what is deterministic."""

import itertools
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gpu_parts.setting import DEVICE, GPU, Sizes
from hourglass.config.compose import compose_train, options
from hourglass.config.parts import Parts
from hourglass.core.errors import IncompatiblePair


def one_step(overrides: Sequence[str], shape: tuple[int, ...], batch: int, steps: int = 1) -> tuple[int, int]:
    """Train some steps; (bytes allocated at most, estimate of them): weights, gradients and Adam's moments, and what
    the forward pass keeps for the backward pass."""
    parts = Parts(compose_train(overrides))
    model = parts.autoencoder(shape).to(DEVICE, memory_format=torch.channels_last)
    optimizer = parts.optimizer(model.parameters(), steps)["optimizer"]
    images = torch.rand(batch, *shape, device=DEVICE).to(memory_format=torch.channels_last)
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    if GPU:
        torch.cuda.reset_peak_memory_stats()
    for _ in range(steps):
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            result = model.reconstruct(images)
            loss = parts.loss(result, images).mean() + result.regularization
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        most, kept = sum(kept.values()), {}
    if not loss.isfinite():
        raise RuntimeError("the loss is no number")
    estimate = most + 4 * sum(one.numel() * one.element_size() for one in model.parameters())
    return torch.cuda.max_memory_allocated() if GPU else 0, estimate


def pairs(sizes: Sizes) -> Iterator[str]:
    yield "encoder | decoder | MB at most | MB by the estimate |"
    shape, overrides = list(sizes.networks.values())[-1]
    encoders, decoders = options("encoder"), options("decoder")
    if sizes.small:
        encoders, decoders = ["maxpool", "aps"], ["transpose", "linear", "aps"]
    deadline = time.monotonic() + sizes.seconds
    for encoder, decoder in itertools.product(encoders, decoders):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the time was up before {encoder}, {decoder}")
        try:
            chosen = (*overrides, f"encoder={encoder}", f"decoder={decoder}")
            most, estimate = one_step(chosen, shape, 8 if sizes.small else 64, steps=5)
        except IncompatiblePair:
            continue
        measured = f"{most / 1e6:,.1f}" if GPU else "needs a GPU"
        yield f"{encoder} | {decoder} | {measured} | {estimate / 1e6:,.1f} |"


def deterministic(sizes: Sizes) -> Iterator[str]:
    yield "option | trainer.deterministic=true |"
    shape, overrides = next(iter(sizes.networks.values()))
    groups = {group: options(group) for group in ("encoder", "decoder")}
    if sizes.small:
        groups = {"decoder": ["max_unpool", "transpose"]}
    partners = {"encoder=linear": "decoder=linear", "decoder=aps": "encoder=aps"}
    torch.use_deterministic_algorithms(True)
    try:
        for choice in (f"{group}={name}" for group, names in groups.items() for name in names):
            partner = [partners[choice]] if choice in partners else []
            try:
                one_step([*overrides, choice, *partner], shape, 8)
                yield f"{choice} | works |"
            except RuntimeError as error:
                yield f"{choice} | {' '.join(str(error).split())[:80]} |"
    finally:
        torch.use_deterministic_algorithms(False)
