"""The training loops that are compared, and the table of them."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from gpu_parts.setting import DEVICE, GPU, WARM_UP, NeedsGpu, finished
from hourglass.config.parts import Parts
from hourglass.core.signals import StopRequest
from hourglass.data import ImageData, Splits
from hourglass.training.loggers import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import build_trainer, trainer_for


class Random:
    """A source of `count` random images for training, and a few for the rest."""

    def __init__(self, image_shape: tuple[int, ...], count: int) -> None:
        self.image_shape, self.count = image_shape, count

    def load(self) -> Splits:
        images = torch.randint(256, (self.count + 32, *self.image_shape), dtype=torch.uint8)
        return Splits(*images.split([self.count, 16, 16]))


class Watch(Callback):
    """Seconds of the steps after the first ones, the device having finished them."""

    def __init__(self) -> None:
        self.seconds, self.steps = 0.0, 0

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx + 1 == WARM_UP:
            self.start = finished()
        if trainer.is_last_batch:
            self.seconds, self.steps = finished() - self.start, batch_idx + 1 - WARM_UP


def data_of(parts: Parts, shape: tuple[int, ...], steps: int) -> ImageData:
    data: ImageData = parts.data
    data.source, data.checksums, data.val_size = Random(shape, steps * data.batch_size), {}, None
    return data


def prepared(parts: Parts, data: ImageData, folder: Path, *more: Callback) -> tuple[Trainer, AutoencoderModule]:
    """All that `train.py` makes of a configuration, but for loggers other than metrics.csv."""
    data.setup()
    seed, callbacks = parts.settings.seed, list(parts.callbacks.values())
    module = AutoencoderModule(
        parts.autoencoder(data.image_shape), parts.loss, parts.optimizer, parts.metrics, seed=seed, config={},
        compiled=parts.compiles,
    )  # fmt: skip
    trainer = build_trainer(
        trainer_for(parts), folder, seed=seed, checkpoint_every=parts.settings.checkpoint_every,
        callbacks=[*callbacks, *more], loggers=[MetricsCsv(folder)], stop=StopRequest(), bar=False,
    )  # fmt: skip
    data.trainer = trainer
    return trainer, module


def ours(parts: Parts, data: ImageData) -> float:
    """Images a second."""
    with tempfile.TemporaryDirectory() as folder:
        trainer, module = prepared(parts, data, Path(folder), watch := Watch())
        trainer.fit(module, datamodule=data)
    torch.use_deterministic_algorithms(False)  # a trainer leaves its setting behind
    return watch.steps * data.batch_size / watch.seconds


def bare(parts: Parts, data: ImageData, graph: bool = False) -> float:
    """Images a second of the plainest loop: everything on the device, the optimizer fused, `graph`: the step captured.

    A captured step keeps the learning rate that it was captured with, so it is constant, for all contenders.
    """
    data.setup()
    images = data.images["train"].images.to(DEVICE)
    model = parts.autoencoder(data.image_shape).to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, capturable=GPU)
    mixed = parts.configuration.plain["trainer"]["precision"] == "bf16-mixed"
    position = torch.zeros(data.batch_size, dtype=torch.long, device=DEVICE)

    def step() -> None:
        batch = images.index_select(0, position).to(torch.float32, memory_format=torch.channels_last).div_(255)
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=mixed):
            result = model.reconstruct(batch)
            loss = (parts.loss(result, batch).mean() + result.regularization) / batch[0].numel()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    run: Callable[[], object] = captured(step) if graph else step
    order = torch.randperm(len(images), device=DEVICE).split(data.batch_size)
    start = 0.0
    for done, some in enumerate(order):
        if done == WARM_UP:
            start = finished()
        position.copy_(some)
        run()
    return (len(order) - WARM_UP) * data.batch_size / (finished() - start)


def captured(step: Callable[[], None]) -> Callable[[], object]:
    if not GPU:
        raise NeedsGpu("a CUDA graph needs a GPU")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def compared(contenders: dict[str, Callable[[], float]], rounds: int, deadline: float) -> Iterator[str]:
    """A row for each: its median rate, and what the first one's is against it, in rounds that end at the deadline."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    missing: dict[str, str] = {}
    for number in range(rounds):
        if number and time.monotonic() > deadline:
            break
        for name, rate in contenders.items():
            try:
                if name not in missing:
                    rates[name].append(rate())
            except NeedsGpu as reason:
                missing[name] = str(reason)
    first = next(iter(rates.values()))
    for name, theirs in rates.items():
        if name in missing:
            yield f"{name} | {missing[name]} | |"
            continue
        ratios = [own / other for own, other in zip(first, theirs, strict=True)]
        median = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}, {len(ratios)} rounds)"
        yield f"{name} | {statistics.median(theirs):,.0f} | {median} |"
