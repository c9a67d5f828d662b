"""Everything that is to be measured where a GPU is at hand, in the order of its worth; each part on a CPU too.

    python benchmarks/gpu.py [part …] [--small] [--seconds S] [--folder FOLDER]

| part              | what it shows                                                                                  |
|-------------------|------------------------------------------------------------------------------------------------|
| `run`             | the default task on the device and on the CPU: how it ends, its error, images a second         |
| `waits`           | a step that is not logged never waits for the device: the first place that does is the finding |
| `resume`          | a run killed in mid-epoch and continued, against an unbroken one, bit for bit                  |
| `throughput`      | a step of ours against a bare loop with its data on the device, and that loop as a CUDA graph  |
| `pairs`           | every encoder with every decoder trains; memory at most, beside an estimate                    |
| `deterministic`   | the operators that refuse `trainer.deterministic=true`                                         |
| `together`        | jobs that share the device, against one alone                                                  |
| `pictures`        | a memory-mapped cache of pictures, and images on the device, against images in host memory     |

No part named: all. Each row is printed when it is known. `--small`: sizes for a rehearsal. `--seconds`: after which a
part begins no further row, and which one command may take. A part that fails says so, the others go on, and the exit
code is 1. Machines are noisy: contenders take turns, and a ratio is the median over rounds, with the smallest and the
greatest.
"""

import argparse
import itertools
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from hourglass.config.compose import compose_train, options, register_resolvers
from hourglass.config.parts import Parts
from hourglass.core.compat.lightning import is_logging_step
from hourglass.core.errors import HourglassError, IncompatiblePair
from hourglass.core.signals import StopRequest
from hourglass.data import ImageData, Splits
from hourglass.runs.read import read_summary
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.loggers import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import build_trainer, quieten, trainer_for

ROOT = Path(__file__).parents[1]
GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda", 0) if GPU else torch.device("cpu")
HERE = "trainer=gpu" if GPU else "trainer=cpu"
QUIET = ("logger=none", "baselines=null", "report=false", "trainer.enable_progress_bar=false")
WARM_UP = 5
"""Steps before anything is timed or watched: the first choose algorithms and get memory"""
SMALL = (
    "channels=[4]", "trainer.limit_train_batches=12", "trainer.max_epochs=2", "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1", "callbacks.checkerboards.images=8", "callbacks.health.images=8",
    "callbacks.image_grids.count=1",
)  # fmt: skip


class NeedsGpu(Exception):
    """This cannot be rehearsed."""


@dataclass(frozen=True)
class Sizes:
    small: bool
    seconds: float
    folder: Path

    @property
    def short(self) -> tuple[str, ...]:
        return SMALL if self.small else ()

    @property
    def networks(self) -> dict[str, tuple[tuple[int, ...], tuple[str, ...]]]:
        """Name -> shape of the images, overrides."""
        if self.small:
            return {"8×8×1": ((1, 8, 8), ("channels=[4]",))}
        return {
            "28×28×1, channels 16, 32": ((1, 28, 28), ("channels=[16,32]",)),
            "64×64×3, channels 64, 128, 256, blocks 2": ((3, 64, 64), ("channels=[64,128,256]", "blocks=2")),
        }


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


def finished() -> float:
    """The time at which the device has done all it was given."""
    if GPU:
        torch.cuda.synchronize()
    return time.perf_counter()


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


def command(sizes: Sizes, folder: Path, *overrides: str) -> list[str]:
    return [sys.executable, "train.py", f"hydra.run.dir={folder}", *QUIET, *sizes.short, *overrides]


def trained(sizes: Sizes, folder: Path, *overrides: str) -> dict[str, Any]:
    """The summary of a real run, in a process of its own."""
    done = subprocess.run(
        command(sizes, folder, *overrides), cwd=ROOT, capture_output=True, text=True, timeout=sizes.seconds
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    summary = read_summary(folder)
    assert summary is not None
    return dict(summary)


def run(sizes: Sizes) -> Iterator[str]:
    yield "trainer | status | test MSE | images/s | device |"
    for where in dict.fromkeys([HERE, "trainer=cpu"]):
        summary = trained(sizes, sizes.folder / where.replace("=", "_"), where)
        mse, rate = summary["metrics"]["test/mse"], summary["cost"]["images_per_second"]
        yield f"{where} | {summary['status']} | {mse:.8f} | {rate:,.0f} | {summary['hardware']['device']} |"


class Refusal(TorchDispatchMode):
    """On a CPU: what would wait for a GPU raises."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default):
            raise RuntimeError(f"{func} waits for the device")
        return func(*args, **(kwargs or {}))


@contextmanager
def waiting_refused() -> Iterator[None]:
    if not GPU:
        with Refusal():
            yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def waits(sizes: Sizes) -> Iterator[str]:
    yield "options | steps watched | |"
    shape, overrides = next(iter(sizes.networks.values()))
    steps = 20 if sizes.small else WARM_UP + 50 + 1
    chosen = [(), ("model=vae",), ("corruption=gaussian", "augmentation=flip_crop"), ("data.device=cpu",)]
    for more in chosen:
        length = ("trainer.max_epochs=1", f"trainer.log_every_n_steps={steps}", "trainer.deterministic=false")
        parts = Parts(compose_train([HERE, *QUIET, *overrides, *length, *more]))
        data, watched = data_of(parts, shape, steps), 0
        with tempfile.TemporaryDirectory() as folder:
            trainer, module = prepared(parts, data, Path(folder))
            advance = trainer.fit_loop.epoch_loop.advance

            def refusing(fetcher: Any, advance: Any = advance, trainer: Any = trainer) -> None:
                nonlocal watched
                done = trainer.fit_loop.epoch_loop.batch_progress.current.completed
                if WARM_UP <= done < steps - 1:  # the last one is logged
                    with waiting_refused():
                        advance(fetcher)
                    watched += not is_logging_step(trainer)
                else:
                    advance(fetcher)

            trainer.fit_loop.epoch_loop.advance = refusing  # type: ignore[assignment, method-assign]
            trainer.fit(module, datamodule=data)
        yield f"{' '.join(more) or 'default'} | {watched} | none waits |"


def resume(sizes: Sizes) -> Iterator[str]:
    yield "options | killed at step | |"
    for more in ((), ("model=vae", "corruption=gaussian")):
        every = (HERE, "checkpoint_every=5", *more, *(() if sizes.small else ("trainer.max_epochs=2",)))
        name = "_".join(more).replace("=", "_") or "default"
        whole, broken = (sizes.folder / f"resume_{name}_{kind}" for kind in ("whole", "broken"))
        trained(sizes, whole, *every)
        process = subprocess.Popen(
            command(sizes, broken, *every), cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + sizes.seconds
        while not checkpoint_path(broken, "last").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise RuntimeError("the run ended before it was killed")
        step = read_checkpoint(checkpoint_path(broken, "last"))["global_step"]
        trained(sizes, broken, *every)
        weights = [read_checkpoint(checkpoint_path(folder, "last"))["state_dict"] for folder in (whole, broken)]
        differing = [name for name in weights[0] if not torch.equal(weights[0][name], weights[1][name])]
        same = (whole / "metrics.csv").read_bytes() == (broken / "metrics.csv").read_bytes()
        found = "the same bits" if same and not differing else f"metrics.csv equal: {same}; other: {differing[:3]}"
        yield f"{' '.join(more) or 'default'} | {step} | {found} |"


def throughput(sizes: Sizes) -> Iterator[str]:
    yield "network, batch, precision | loop | images/s | ours is … times as fast |"
    batches, steps, rounds = ((8,), 10, 1) if sizes.small else ((128, 1024), 60, 5)
    deadline = time.monotonic() + sizes.seconds
    cases = list(itertools.product(sizes.networks.items(), batches, ("32-true", "bf16-mixed")))
    for (name, (shape, overrides)), batch, precision in cases:
        given = [
            HERE, *QUIET, *overrides, f"data.batch_size={batch}", f"trainer.precision={precision}",
            "trainer.max_epochs=1", "optimizer.schedule=none",
        ]  # fmt: skip

        def timed(
            loop: Callable[[Parts, ImageData], float], *more: str, given: Any = given, shape: Any = shape
        ) -> float:
            parts = Parts(compose_train([*given, *more]))
            return loop(parts, data_of(parts, shape, steps + WARM_UP))

        contenders: dict[str, Callable[[], float]] = {
            "ours": partial(timed, ours), "ours, data.device=cpu": partial(timed, ours, "data.device=cpu"),
            "bare": partial(timed, bare), "bare, CUDA graph": partial(timed, partial(bare, graph=True)),
        }  # fmt: skip
        if GPU:
            contenders["ours, trainer.compile=true"] = partial(timed, ours, "trainer.compile=true")
        share = time.monotonic() + (deadline - time.monotonic()) / len(cases)
        for row in compared(contenders, rounds, share):
            yield f"{name}, {batch}, {precision} | {row}"


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


def together(sizes: Sizes) -> Iterator[str]:
    yield "jobs | at a time | seconds | times one job |"
    jobs = 2 if sizes.small else 8
    alone = 0.0
    for count in (1, jobs):
        start, name = time.perf_counter(), f"together{count}"
        sweep = ["-m", f"hydra.sweep.dir={sizes.folder / name}", f"sweep={name}", f"seed=range(0,{count})"]
        launcher = ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={count}"]
        given = [sys.executable, "train.py", *sweep, *launcher, HERE, *QUIET, *sizes.short]
        done = subprocess.run(given, cwd=ROOT, capture_output=True, text=True, timeout=sizes.seconds)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        seconds = time.perf_counter() - start
        alone = alone or seconds
        yield f"{count} | {count} | {seconds:.1f} | {seconds / alone:.2f} |"


def pictures(sizes: Sizes) -> Iterator[str]:
    from own_pictures import write_pictures  # beside this file

    yield "images of the training | images/s | on the device is … times as fast |"
    count, rounds = (200, 1) if sizes.small else (20_000, 5)
    root = sizes.folder / "pictures"
    if not root.is_dir():
        write_pictures(root, count)
    given = [
        HERE, *QUIET, "data=folder", "data.size=64", f"data.root={root}", f"data.cache={sizes.folder / 'cache'}",
        f"data.batch_size={16 if sizes.small else 128}", "trainer.max_epochs=1", "trainer.limit_val_batches=1",
        "trainer.limit_test_batches=1", *(["channels=[4]"] if sizes.small else []),
    ]  # fmt: skip

    def mapped(*more: str) -> float:
        parts = Parts(compose_train([*given, *more]))
        return ours(parts, parts.data)

    contenders: dict[str, Callable[[], float]] = {
        "on the device, where it is a GPU": mapped,
        "in host memory": partial(mapped, "data.device=cpu", "data.cache=null"),
        "mapped from the cache": partial(mapped, "data.device=cpu"),
        "mapped, 4 workers": partial(mapped, "data.device=cpu", "data.num_workers=4"),
    }  # fmt: skip
    yield from compared(contenders, rounds, time.monotonic() + sizes.seconds)


PARTS: dict[str, Callable[[Sizes], Iterator[str]]] = {
    part.__name__: part for part in (run, waits, resume, throughput, pairs, deterministic, together, pictures)
}


def hardware() -> str:
    if GPU:
        name = f"{torch.cuda.get_device_name(DEVICE)}, driver's CUDA {torch.version.cuda}"
    else:
        cpuinfo = Path("/proc/cpuinfo")
        found = re.search(r"model name\s*: (.*)", cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else "")
        name = f"a rehearsal without a GPU, on {found[1] if found else 'an unknown CPU'}, {os.cpu_count()} cores"
    return f"{name}; torch {torch.__version__}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--small", action="store_true", help="sizes for a rehearsal")
    parser.add_argument("--seconds", type=float, default=120, help="of a part at most (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where runs and pictures lie (default: one that is removed)")
    given = parser.parse_args(arguments)
    register_resolvers()
    quieten()
    failed = []
    print(f"{hardware()}.", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        sizes = Sizes(given.small, given.seconds, (given.folder or Path(temporary)).resolve())
        for name in given.parts or PARTS:
            print(f"\n## {name}\n", flush=True)
            start = time.monotonic()
            try:
                rows = PARTS[name](sizes)
                head = next(rows)
                print(f"| {head}\n|{'---|' * head.count('|')}", flush=True)
                for row in rows:
                    print(f"| {row}", flush=True)
            except NeedsGpu as reason:
                print(f"{reason}.", flush=True)
            except (HourglassError, RuntimeError, OSError, subprocess.SubprocessError, TimeoutError) as error:
                failed.append(name)
                print(f"\n{name} failed: {error}", flush=True)
                traceback.print_exc()
            print(f"\n{time.monotonic() - start:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
