"""Images a second of the training loop, against a bare PyTorch loop, and against the loops of other projects.

    python benchmarks/throughput.py [--images N] [--rounds R] [--model M] [group=option] [key=value] …

One training of the same network, one epoch: `hourglass` as `train.py` does it, with callbacks, progress bar and
metrics.csv, but without W&B; `bare PyTorch` in the fastest plain loop we know, on float images in memory, and as it is
usually written; `lightning-hydra-template` with that project's module, data and callbacks; `pythae` with its trainer,
where that is installed (the extra `peers`). Timed are the epoch's steps: no start-up, no validation, no pictures. All
find the same environment. Machines are noisy, so the contenders take turns, and a ratio is taken within a round.
"""

import argparse
import importlib.util
import io
import os
import re
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, random_split
from torchmetrics import MeanMetric, MinMetric
from torchvision.transforms import Compose, Normalize, ToTensor

from hourglass.config.compose import compose_train, register_resolvers
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.compat.lightning import look_for_gpus_once
from hourglass.core.processes.environment import wait_asleep
from hourglass.core.signals import StopRequest
from hourglass.data import Splits
from hourglass.nn.autoencoder import Autoencoder
from hourglass.runs.train import fit
from hourglass.training.loggers import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import build_trainer, quieten

IMAGES = {"conv": 6_400, "linear": 60_000}  # an epoch's, by model: a second of work or some
FIXED = ["trainer.accelerator=cpu", "trainer.max_epochs=1", "logger=none", "data.batch_size=128"]


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
        self.pixels = pixels.permute(0, 2, 3, 1).squeeze(-1).numpy()
        self.transform = Compose([ToTensor(), Normalize((0.0,), (1.0,))])

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[i])), 0


class TemplateModule(LightningModule):
    """As lightning-hydra-template's MNISTLitModule: metrics as modules, logged at each step and at each epoch's end."""

    def __init__(self, model: Autoencoder, loss: nn.Module, optimizer: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.train_loss, self.val_loss, self.val_loss_best = MeanMetric(), MeanMetric(), MinMetric()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        loss = objective(self.model, self.loss, batch[0])
        self.train_loss(loss)
        self.log("train/loss", self.train_loss, on_step=False, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.val_loss(objective(self.model, self.loss, batch[0]))
        self.log("val/loss", self.val_loss, on_step=False, on_epoch=True, prog_bar=True)

    def on_validation_epoch_end(self) -> None:
        self.val_loss_best(self.val_loss.compute())
        self.log("val/loss_best", self.val_loss_best.compute(), sync_dist=True, prog_bar=True)

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
        )  # fmt: skip
        return seconds_of(trainer, lambda: fit(trainer, module, data))


def bare(configuration: Configuration, n: int, best: bool) -> float:
    """`best`: whole rows are fetched, and the network is in channels_last."""
    pixels, model, loss, optimizer = parts(configuration, n)
    shape, size = pixels.shape[1:], batch_size(configuration)
    if best:
        rows = pixels.permute(0, 2, 3, 1).flatten(1).float().div(255)
        model = model.to(memory_format=torch.channels_last)
    images = pixels.float().div(255)
    chosen = optimizer(model.parameters(), n // size)
    start = time.perf_counter()
    for index in torch.randperm(n)[: n // size * size].split(size):
        if best:
            batch = rows.index_select(0, index).view(size, shape[1], shape[2], shape[0]).permute(0, 3, 1, 2)
        else:
            batch = images[index]
        chosen["optimizer"].zero_grad()
        objective(model, loss, batch).backward()
        chosen["optimizer"].step()
        if "lr_scheduler" in chosen:
            chosen["lr_scheduler"]["scheduler"].step()
    return time.perf_counter() - start


def template(configuration: Configuration, n: int, workers: int) -> float:
    pixels, model, loss, optimizer = parts(configuration, n + 500)
    train, val = random_split(Items(pixels), [n, 500])
    size = batch_size(configuration)
    trained = DataLoader(train, size, shuffle=True, num_workers=workers, drop_last=True)
    validated = DataLoader(val, size, num_workers=workers)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator="cpu", max_epochs=1, logger=CSVLogger(folder), enable_model_summary=False,
            callbacks=[ModelCheckpoint(folder, monitor="val/loss", save_last=True), EarlyStopping("val/loss")],
        )  # fmt: skip
        return seconds_of(trainer, lambda: trainer.fit(TemplateModule(model, loss, optimizer), trained, validated))


def pythae(configuration: Configuration, n: int) -> float:
    from pythae.data.datasets import BaseDataset
    from pythae.models import BaseAE, BaseAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    pixels, model, loss, _ = parts(configuration, n)
    images = pixels.float().div(255)

    class Ours(BaseAE):
        def __init__(self) -> None:
            super().__init__(BaseAEConfig(input_dim=tuple(images.shape[1:]), latent_dim=16), decoder=None)
            self.network, self.loss = model, loss

        def forward(self, inputs: Any, **_: Any) -> Any:
            return ModelOutput(loss=objective(self.network, self.loss, inputs["data"]))

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=1, per_device_train_batch_size=batch_size(configuration), no_cuda=True
        )
        trainer = BaseTrainer(Ours(), BaseDataset(images, torch.zeros(n)), training_config=config)
        trainer.prepare_training()
        start = time.perf_counter()
        trainer.train_step(1)
        return time.perf_counter() - start


def batch_size(configuration: Configuration) -> int:
    size: int = configuration.plain["data"]["batch_size"]
    return size


def seconds_of(trainer: Trainer, fit: Callable[[], object]) -> float:
    trainer.callbacks.append(stopwatch := Stopwatch())  # type: ignore[attr-defined]  # last: all others are counted
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
        fit()  # the progress bar is drawn, but not on this screen
    torch.use_deterministic_algorithms(False)  # a trainer leaves its setting behind
    return stopwatch.seconds


def contenders() -> dict[str, Callable[[Configuration, int], float]]:
    known: dict[str, Callable[[Configuration, int], float]] = {
        "hourglass": hourglass,
        "bare PyTorch, at its best": partial(bare, best=True),
        "bare PyTorch, as usual": partial(bare, best=False),
        "lightning-hydra-template": partial(template, workers=0),
        "lightning-hydra-template, 2 workers": partial(template, workers=2),
    }
    return known | ({"pythae": pythae} if importlib.util.find_spec("pythae") else {})


def table_rows(configuration: Configuration, n: int, rounds: int) -> Iterator[str]:
    size, taking_turns = batch_size(configuration), contenders()
    for train in taking_turns.values():
        train(configuration, min(n, 10 * size))  # warm up
    rates: dict[str, list[float]] = {name: [] for name in taking_turns}
    for _ in range(rounds):
        for name, train in taking_turns.items():
            rates[name].append(n // size * size / train(configuration, n))
    for name, theirs in rates.items():
        ratios = [ours / other for ours, other in zip(rates["hourglass"], theirs, strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})" if name != "hourglass" else "1"
        yield f"{name} | {statistics.median(theirs):,.0f} | {ratio} |"


def in_the_environment_of_a_run() -> None:
    """Start this program again where torch was imported before `wait_asleep`, which a command calls before it."""
    before = dict(os.environ)
    wait_asleep()
    if os.environ != before:
        os.execv(sys.executable, [sys.executable, *sys.argv])  # nosec B606 # this very program


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
    look_for_gpus_once()
    lines = ["| model | training loop | images/s | hourglass is … times as fast |", "|---|---|--:|--:|"]
    for model in given.model or IMAGES:
        n = given.images or IMAGES.get(model, IMAGES["conv"])
        configuration = compose_train([f"model={model}", *FIXED, *given.overrides])
        lines += [f"| {model}, {n:,} images | {row}" for row in table_rows(configuration, n, given.rounds)]
    command = " ".join(["python benchmarks/throughput.py", *(sys.argv[1:] if arguments is None else arguments)])
    rounds = f"Medians of {given.rounds} rounds (least–greatest ratio in one), by `{command}`"
    return "\n".join([*lines, "", f"{rounds}. {hardware()}."])


if __name__ == "__main__":
    in_the_environment_of_a_run()
    print(main())
