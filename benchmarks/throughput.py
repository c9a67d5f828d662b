"""Images a second of the training loop, against a bare PyTorch loop and against Lightning as it is usually written.

    python benchmarks/throughput.py [--images N] [--rounds R] [--model M] [group=option] [key=value] …

One training, one epoch: `hourglass` as `train.py` does it, with callbacks, progress bar and metrics.csv, but without
W&B; `bare PyTorch` in a plain loop over float images in memory, in both memory formats; `Lightning, per item` with a
data set that makes a PIL image and a tensor of each item. Timed are the epoch's steps: no start-up, no validation, no
pictures. Machines are noisy, so the contenders take turns, and a ratio is taken within a round.
"""

import argparse
import io
import os
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from hourglass.config.compose import compose_train, register_resolvers
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.signals import StopRequest
from hourglass.data import Splits
from hourglass.nn.autoencoder import Autoencoder
from hourglass.runs.train import fit
from hourglass.training.loggers import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import build_trainer, quieten

IMAGES = {"conv": 6_400, "linear": 60_000}  # an epoch's, by model: a second of work or some
FIXED = ["trainer.accelerator=cpu", "trainer.max_epochs=1", "logger=none", "data.batch_size=128"]
NVML = "PYTORCH_NVML_BASED_CUDA_CHECK"  # Lightning sets it to 1: torch then looks for GPUs anew in each optimizer step


class Tiled:
    """The training images of another source, repeated or cut to `n`."""

    def __init__(self, source: Any, n: int) -> None:
        self.source, self.n, self.image_shape = source, n, source.image_shape

    def load(self) -> Splits:
        splits: Splits = self.source.load()
        return Splits(splits.train[torch.arange(self.n) % len(splits.train)], splits.val, splits.test)


class Stopwatch(Callback):
    """Seconds from the start of the epoch to the end of its last batch; validation comes after that."""

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.start = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.is_last_batch:
            self.seconds = time.perf_counter() - self.start


class Items(Dataset[tuple[Tensor, int]]):
    """As torchvision's MNIST: an array in memory, a PIL image and then a tensor of every item."""

    def __init__(self, pixels: Tensor) -> None:
        self.pixels, self.transform = pixels.permute(0, 2, 3, 1).squeeze(-1).numpy(), ToTensor()

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[i])), 0


class UsualModule(LightningModule):
    def __init__(self, model: Autoencoder, loss: nn.Module, optimizer: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.loss, self.optimizer = model, loss, optimizer

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        loss = objective(self.model, self.loss, batch[0])
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> Any:
        return self.optimizer(self.model.parameters(), int(self.trainer.estimated_stepping_batches))


def objective(model: Autoencoder, loss: nn.Module, images: Tensor) -> Tensor:
    result = model.reconstruct(images)
    return (loss(result, images).mean() + result.regularization) / images[0].numel()


def parts(configuration: Configuration, n: int) -> tuple[Tensor, Autoencoder, nn.Module, Callable[..., Any]]:
    """`n` training images, (n, C, H, W) uint8, with model, loss and optimizer."""
    made = Parts(configuration)
    source = Tiled(made.data.source, n)
    return source.load().train, made.autoencoder(source.image_shape), made.loss, made.optimizer


def hourglass(configuration: Configuration, n: int) -> float:
    made = Parts(configuration)
    data = made.data
    data.source = Tiled(data.source, n)
    autoencoder = made.autoencoder(data.image_shape)
    module = AutoencoderModule(autoencoder, made.loss, made.optimizer, made.metrics, seed=made.settings.seed, config={})
    data.setup()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trainer = build_trainer(
            made.trainer, folder, seed=made.settings.seed, checkpoint_every=made.settings.checkpoint_every,
            callbacks=list(made.callbacks.values()), loggers=[MetricsCsv(folder)], stop=StopRequest(), bar=False,
            forked=False,
        )  # fmt: skip
        return seconds_of(trainer, lambda: fit(trainer, module, data))


def bare(configuration: Configuration, n: int, memory_format: torch.memory_format) -> float:
    pixels, model, loss, optimizer = parts(configuration, n)
    images = pixels.float().div(255).contiguous(memory_format=memory_format)
    model = model.to(memory_format=memory_format)
    size, chosen = (
        configuration.plain["data"]["batch_size"],
        optimizer(model.parameters(), n // configuration.plain["data"]["batch_size"]),
    )
    with patch.dict(os.environ, {NVML: "0"}):
        start = time.perf_counter()
        for index in torch.randperm(n)[: n // size * size].split(size):
            chosen["optimizer"].zero_grad()
            objective(model, loss, images[index]).backward()
            chosen["optimizer"].step()
            if "lr_scheduler" in chosen:
                chosen["lr_scheduler"]["scheduler"].step()
        return time.perf_counter() - start


def per_item(configuration: Configuration, n: int, workers: int) -> float:
    pixels, model, loss, optimizer = parts(configuration, n)
    loader = DataLoader(
        Items(pixels), configuration.plain["data"]["batch_size"], shuffle=True, num_workers=workers, drop_last=True
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(accelerator="cpu", max_epochs=1, logger=CSVLogger(folder), enable_model_summary=False)
        with patch.dict(os.environ, {NVML: "1"}):
            return seconds_of(trainer, lambda: trainer.fit(UsualModule(model, loss, optimizer), loader))


def seconds_of(trainer: Trainer, fit: Callable[[], object]) -> float:
    trainer.callbacks.append(stopwatch := Stopwatch())  # type: ignore[attr-defined]  # last: all others are counted
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
        fit()  # the progress bar is drawn, but not on this screen
    torch.use_deterministic_algorithms(False)  # a trainer leaves its setting behind
    return stopwatch.seconds


CONTENDERS: dict[str, Callable[[Configuration, int], float]] = {
    "hourglass": hourglass,
    "bare PyTorch, channels_last": partial(bare, memory_format=torch.channels_last),
    "bare PyTorch": partial(bare, memory_format=torch.contiguous_format),
    "Lightning, per item": partial(per_item, workers=0),
    "Lightning, per item, 2 workers": partial(per_item, workers=2),
}


def table_rows(configuration: Configuration, n: int, rounds: int) -> Iterator[str]:
    size: int = configuration.plain["data"]["batch_size"]
    for train in CONTENDERS.values():
        train(configuration, min(n, 10 * size))  # warm up
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, train in CONTENDERS.items():
            rates[name].append(n // size * size / train(configuration, n))
    for name, theirs in rates.items():
        ratios = [ours / other for ours, other in zip(rates["hourglass"], theirs, strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})" if name != "hourglass" else "1"
        yield f"{name} | {statistics.median(theirs):,.0f} | {ratio} |"


def hardware() -> str:
    cpuinfo = Path("/proc/cpuinfo")  # of Linux; elsewhere Python does not know
    name = re.search(r"model name\s*: (.*)", cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else "")
    cpu = f"{name[1] if name else 'unknown CPU'}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return f"{cpu}, no GPU; torch {torch.__version__}"


def main(arguments: list[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, help=f"images of an epoch (default: {IMAGES})")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: %(default)s)")
    parser.add_argument("--model", action="append", help="an option of the group model; may be repeated")
    parser.add_argument("overrides", nargs="*", help="as for train.py: decoder=resize data.batch_size=256")
    given = parser.parse_args(arguments)
    register_resolvers()
    quieten()
    lines = ["| model | training loop | images/s | hourglass is … times as fast |", "|---|---|--:|--:|"]
    for model in given.model or IMAGES:
        n = given.images or IMAGES.get(model, IMAGES["conv"])
        configuration = compose_train([f"model={model}", *FIXED, *given.overrides])
        lines += [f"| {model}, {n:,} images | {row}" for row in table_rows(configuration, n, given.rounds)]
    return "\n".join([*lines, "", f"Medians of {given.rounds} rounds (least–greatest ratio in one). {hardware()}."])


if __name__ == "__main__":
    print(main())
