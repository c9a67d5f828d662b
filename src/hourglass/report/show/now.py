"""Networks trained now: as `train` would train them, on a small task, and looked at on the way."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor

from hourglass.config.compose import compose_train, read_options
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.core.signals import StopRequest
from hourglass.core.text import counted, duration, printable
from hourglass.data import picture_files
from hourglass.data.fitting import fitted
from hourglass.data.splits import Splits
from hourglass.nn import Autoencoder
from hourglass.nn.layers import evaluating
from hourglass.report.show.options import DEFAULT, Options
from hourglass.report.show.story import Look, Row, Story
from hourglass.runs.load import begin
from hourglass.runs.train import fit
from hourglass.training.loggers import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import build_trainer, quieten, trainer_for

COPIES = 62
"""Of a picture of one's own in an epoch: as many steps as with the digits"""


class OnePicture:
    """A source of one picture, the same for training and test: longer side at most `side` pixels, grey if it is."""

    def __init__(self, *, file: str, side: int) -> None:
        pixels = torch.from_numpy(picture_files.read(Path(file), 3).pixels)
        if (pixels == pixels[:1]).all():
            pixels = pixels[:1]
        height, width = pixels.shape[1:]
        scale = min(1.0, side / max(height, width))
        pixels = fitted(pixels, max(1, round(height * scale)), max(1, round(width * scale)), "resize")
        self.pixels = pixels.mul(255).round().to(torch.uint8)[None]
        self.image_shape = tuple(self.pixels.shape[1:])

    def load(self) -> Splits:
        return Splits(self.pixels.expand(COPIES, -1, -1, -1), self.pixels, self.pixels)


class Looks(Callback):
    """What the network makes of one image (1, C, H, W), untrained and after each of these numbers of steps."""

    def __init__(self, image: Tensor, steps: Sequence[int]) -> None:
        self.image, self.steps, self.looks = image, set(steps), list[Look]()

    def on_train_start(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        self.look(module.autoencoder, 0)

    def on_train_batch_end(self, trainer: Trainer, module: AutoencoderModule, *_: Any) -> None:  # type: ignore[override]
        if trainer.global_step in self.steps:
            self.look(module.autoencoder, trainer.global_step)

    @torch.no_grad()
    def look(self, autoencoder: Autoencoder, step: int) -> None:
        with evaluating(autoencoder):
            output = autoencoder(self.image.to(autoencoder.output_bias.device))
        self.looks.append(Look(step, output[0].float().cpu()))


def train_now(options: Options) -> Story:
    """Train a network for each decoder, with progress, or only make it with `untrained=true`.

    Raises IncompatiblePair before the first is trained where one cannot work, DataError where the picture is none.
    """
    quieten()
    configurations = {name: configuration(options, name) for name in options.decoders or DEFAULT}
    for name, one in configurations.items():
        try:
            parts = Parts(one)
            parts.autoencoder(parts.data.image_shape)
        except IncompatiblePair as error:
            raise IncompatiblePair(f"encoder={options.encoder} with decoder={name}: {error}") from error
    rows = []
    for name, one in configurations.items():
        parts = Parts(one)
        data = parts.data
        data.setup()
        number = 0 if options.file else options.image
        if number >= len(data.images["test"]):  # type: ignore[operator]
            raise ConfigError(f"image={number}: {options.data} has the test images 0 to {len(data.images['test']) - 1}")
        target = data.pick("test", [number]).target
        rows.append(_row(name, parts, target, options))
    if options.file:
        what, on = str(printable(options.file.name)), "this picture alone"
    else:
        what, on = f"Test image {options.image} of {options.data}", f"{len(data.images['train']):,} images"
    shape = "×".join(map(str, data.image_shape))
    how = "untrained" if options.untrained else f"trained for {counted(options.steps, 'step')} on {on}"
    return Story(target[0], f"{what}, {shape}", f"encoder {options.encoder}, {how}, seed {options.seed}", "step", rows)


def configuration(options: Options, decoder: str) -> Configuration:
    """That of `train model=conv encoder=… decoder=… data=… trainer.max_steps=…`; with a picture of one's own, on that
    alone. The code keeps its place on the grid, so that the untrained outputs show the picture too."""
    pair = {"model": "conv", "decoder": decoder, "encoder": options.encoder}
    chosen = {**pair, "data": options.data, "seed": options.seed}
    budget = {"trainer.max_steps": options.steps, "trainer.max_epochs": -1, "trainer.limit_val_batches": 1}
    made = compose_train([f"{key}={value}" for key, value in (chosen | budget).items()])
    if options.file is None:
        return made
    source = {"_target_": f"{__name__}.OnePicture", "file": str(options.file), "side": options.side}
    data = read_options("base/data") | {"batch_size": 1, "val_size": None, "source": source}
    return made.with_values({"data": data})


def _row(name: str, parts: Parts, target: Tensor, options: Options) -> Row:
    """The network begins as that of a run does: see `runs.train`."""
    seed = parts.settings.seed
    pl.seed_everything(seed, verbose=False)
    autoencoder = parts.autoencoder(parts.data.image_shape)
    steps = [2**k for k in range(options.steps.bit_length()) if 2**k < options.steps] + [options.steps]
    looks = Looks(target, steps)
    if options.untrained:
        begin(autoencoder, parts)
        looks.look(autoencoder, 0)
    else:
        seconds = _train(parts, autoencoder, looks)
        first, last = ((look.output - target[0]).square().mean() for look in (looks.looks[0], looks.looks[-1]))
        print(f"{name:<17} {options.steps} steps in {duration(seconds)}   MSE {first:.4f} → {last:.4f}", flush=True)
    parameters = sum(parameter.numel() for parameter in autoencoder.parameters())
    return Row(name, note(parameters, autoencoder.index_bits), autoencoder.encoder.strides, looks.looks)


def note(parameters: int, index_bits: float) -> str:
    positions = f", and {round(index_bits):,} bits of positions beside its code" if index_bits else ""
    return f"{parameters:,} parameters{positions}"


def _train(parts: Parts, autoencoder: Autoencoder, looks: Looks) -> float:
    """Seconds that it took."""
    settings = parts.settings
    module = AutoencoderModule(
        autoencoder, parts.loss, parts.optimizer, parts.metrics, seed=settings.seed, config=parts.configuration.plain
    )
    begin(autoencoder, parts)
    stop = StopRequest()
    with tempfile.TemporaryDirectory() as folder, stop:
        trainer = build_trainer(
            trainer_for(parts), Path(folder), seed=settings.seed, checkpoint_every=settings.checkpoint_every,
            callbacks=[parts.callbacks["divergence"], looks], loggers=[MetricsCsv(Path(folder))], stop=stop,
            bar=sys.stderr.isatty(),
        )  # fmt: skip
        return fit(trainer, module, parts.data)["train_seconds"]
