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
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from machine import hardware, in_the_environment_of_a_run
from peers import pythae, template
from timed import Tiled, batch_size, objective, parts, seconds_of

from hourglass.config.compose import compose_train, register_resolvers
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.compat.lightning import look_for_gpus_once
from hourglass.core.signals import StopRequest
from hourglass.runs.train import fit
from hourglass.training.loggers import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import build_trainer, quieten

IMAGES = {"conv": 6_400, "linear": 60_000}  # an epoch's, by model: a second of work or some
FIXED = ["trainer.accelerator=cpu", "trainer.max_epochs=1", "logger=none", "data.batch_size=128"]


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
