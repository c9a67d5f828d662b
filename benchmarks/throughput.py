"""Images a second of the training loop, against a bare PyTorch loop and against Lightning as it is usually written.

    python benchmarks/throughput.py [--images N] [--rounds R] [--model M] [group=option] [key=value] …

Four contenders train the same network on the same images for one epoch, with the same loss, optimizer and schedule:
`hourglass` as `train.py` does, with its data module, callbacks, progress bar and metrics.csv, but without W&B;
`bare PyTorch` in a plain loop over float images in memory, in both memory formats; `Lightning, per item` with a data
set that makes a PIL image and then a tensor of each item. Only the epoch's steps are timed: no start-up, validation,
checkpoint or picture. Machines are noisy, so the contenders take turns, and a ratio is taken within a round.
"""

import argparse
import contextlib
import io
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from hourglass import build, run
from hourglass.autoencoder import Autoencoder
from hourglass.data.module import Source
from hourglass.data.sources import Splits
from hourglass.ids import register_resolvers
from hourglass.loggers import MetricsCsv
from hourglass.optimizers import OptimizerAndSchedule

IMAGES = {"conv": 12_000, "linear": 60_000}
"""The networks measured by default and the images of an epoch: some seconds of work each."""
WARM_UP_IMAGES = 1_280
NVML = "PYTORCH_NVML_BASED_CUDA_CHECK"
"""Lightning sets it, and torch then looks for GPUs anew in every optimizer step: no part of a bare loop."""

Optimizer = Callable[..., OptimizerAndSchedule]


class Tiled:
    """The training images of another source, repeated or cut to `n`."""

    def __init__(self, source: Source, n: int) -> None:
        self.source, self.n, self.image_shape = source, n, source.image_shape

    def load(self) -> Splits:
        splits = self.source.load()
        times = -(-self.n // len(splits.train))
        return splits._replace(train=splits.train.repeat(times, 1, 1, 1)[: self.n])


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
    def __init__(self, model: Autoencoder, loss: nn.Module, optimizer: Optimizer) -> None:
        super().__init__()
        self.model, self.loss, self.optimizer = model, loss, optimizer

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        loss = objective(self.model, self.loss, batch[0])
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> Any:
        return self.optimizer(self.model.parameters(), int(self.trainer.estimated_stepping_batches))


def objective(model: Autoencoder, loss: nn.Module, images: Tensor) -> Tensor:
    """What our module minimises, without its bookkeeping."""
    result = model.reconstruct(images)
    reconstruction: Tensor = loss(result, images).mean()
    return (reconstruction + result.penalty) / images[0].numel()


def parts(config: DictConfig, n: int) -> tuple[Tensor, Autoencoder, nn.Module, Optimizer]:
    """`n` training images, (n, C, H, W) uint8, and what is to be trained on them."""
    source = Tiled(build.data(config).source, n)
    model = build.autoencoder(config, source.image_shape)
    return source.load().train, model, build.part(config, "loss"), build.part(config, "optimizer")


def hourglass(config: DictConfig, n: int) -> float:
    data = build.data(config)
    data.source = Tiled(data.source, n)
    module = build.module(config, build.autoencoder(config, data.image_shape))
    data.setup()
    with tempfile.TemporaryDirectory() as folder:
        trainer = build.trainer(config, Path(folder), [MetricsCsv(Path(folder))])
        return seconds_of(trainer, lambda: run.fit(trainer, module, data))


def bare(config: DictConfig, n: int, memory_format: torch.memory_format) -> float:
    pixels, model, loss, optimizer = parts(config, n)
    images = pixels.float().div(255).contiguous(memory_format=memory_format)
    model = model.to(memory_format=memory_format)
    size: int = config.data.batch_size
    chosen = optimizer(model.parameters(), n // size)
    lightnings, os.environ[NVML] = os.environ[NVML], "0"
    start = time.perf_counter()
    for index in torch.randperm(n)[: n // size * size].split(size):
        chosen["optimizer"].zero_grad()
        objective(model, loss, images[index]).backward()
        chosen["optimizer"].step()
        if "lr_scheduler" in chosen:
            chosen["lr_scheduler"]["scheduler"].step()
    seconds = time.perf_counter() - start
    os.environ[NVML] = lightnings
    return seconds


def per_item(config: DictConfig, n: int, workers: int) -> float:
    pixels, *rest = parts(config, n)
    loader = DataLoader(Items(pixels), config.data.batch_size, shuffle=True, num_workers=workers, drop_last=True)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(accelerator="cpu", max_epochs=1, logger=CSVLogger(folder), enable_model_summary=False)
        return seconds_of(trainer, lambda: trainer.fit(UsualModule(*rest), loader))


def seconds_of(trainer: Trainer, fit: Callable[[], object]) -> float:
    stopwatch = Stopwatch()
    trainer.callbacks.append(stopwatch)  # type: ignore[attr-defined]  # behind the others: their work is counted
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        fit()  # the progress bar is drawn, but not on this screen
    torch.use_deterministic_algorithms(False)  # a trainer leaves its setting behind
    return stopwatch.seconds


CONTENDERS: dict[str, Callable[[DictConfig, int], float]] = {
    "hourglass": hourglass,
    "bare PyTorch, channels_last": partial(bare, memory_format=torch.channels_last),
    "bare PyTorch": partial(bare, memory_format=torch.contiguous_format),
    "Lightning, per item": partial(per_item, workers=0),
    "Lightning, per item, 2 workers": partial(per_item, workers=2),
}


def rows(config: DictConfig, n: int, rounds: int) -> Iterator[str]:
    """The table's rows of one network."""
    for train in CONTENDERS.values():
        train(config, min(n, WARM_UP_IMAGES))
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, train in CONTENDERS.items():
            seed_everything(config.seed, verbose=False)
            rates[name].append(n // config.data.batch_size * config.data.batch_size / train(config, n))
    for name, theirs in rates.items():
        ratios = [ours / other for ours, other in zip(rates["hourglass"], theirs, strict=True)]
        spread = f" ({min(ratios):.2f}–{max(ratios):.2f})" if name != "hourglass" else ""
        yield f"{name} | {statistics.median(theirs):,.0f} | {statistics.median(ratios):.2f}{spread} |"


def hardware() -> str:
    cpuinfo = Path("/proc/cpuinfo")  # elsewhere than on Linux, Python knows little of the processor
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = (names or [platform.processor()])[0] or platform.machine()
    cores = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return f"{cpu}, {cores}, no GPU used; torch {torch.__version__}, Lightning {lightning.__version__}"


def main(arguments: list[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, help=f"images of an epoch (default: {IMAGES})")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: %(default)s)")
    parser.add_argument("--model", action="append", help="an option of the group model; may be repeated")
    parser.add_argument("overrides", nargs="*", help="as for train.py: decoder=resize data.batch_size=256")
    given = parser.parse_args(arguments)
    register_resolvers()
    run.quieten()
    fixed = ["trainer.accelerator=cpu", "trainer.max_epochs=1", "logger=none"]
    lines = ["| model | training loop | images/s | hourglass is … times as fast |", "|---|---|--:|--:|"]
    for model in given.model or IMAGES:
        n = given.images or IMAGES.get(model, IMAGES["conv"])
        with initialize_config_dir(str(Path(__file__).parents[1] / "conf"), version_base="1.3"):
            config = compose("train", [f"model={model}", *fixed, *given.overrides])
        lines += [f"| {model}, {n:,} images | {row}" for row in rows(config, n, given.rounds)]
    how = f"Medians of {given.rounds} rounds; the ratio within a round, its least and its greatest value in brackets."
    return "\n".join([*lines, "", f"{how} {hardware()}."])


if __name__ == "__main__":
    print(main())
