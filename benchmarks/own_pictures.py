"""Memory and speed of `data=folder`: many pictures mapped from the cache, against the same ones in memory.

    python benchmarks/own_pictures.py FOLDER [--images N] [--rounds R] [--steps S] [key=value] …

Fills FOLDER with N smooth JPEG pictures of 64×64 where it has none yet. Printed are the seconds to decode them once and
to open them again; the ratio of speeds, in rounds of S steps that take turns, of fetching batches and of training with
them (the plain loop of network, loss and optimizer); and what a real run keeps resident at most, above one of 10,000
pictures, by what it is: memory of its own, and pages of files, which the kernel takes back when it needs them.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from hourglass.config.compose import compose_train, register_resolvers
from hourglass.config.parts import Parts
from hourglass.data import ImageData
from hourglass.data.batches import Images

SIDE = 64
FIXED = ["data=folder", f"data.size={SIDE}", "trainer.accelerator=cpu"]
QUIET = ["logger=none", "baselines=null", "trainer.enable_progress_bar=false", "trainer.max_epochs=1"]


def write_pictures(folder: Path, count: int) -> None:
    def write(number: int) -> None:
        random = np.random.default_rng(number)
        coarse = random.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        path = folder / f"{number // 1000:04d}" / f"{number:07d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path, quality=80)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(count)))


def opened(overrides: list[str]) -> tuple[ImageData, float]:
    """The data module with its images read, and the seconds that took."""
    start = time.perf_counter()
    data: ImageData = Parts(compose_train(overrides)).data
    data.setup()
    return data, time.perf_counter() - start


def fetch(data: ImageData, steps: int) -> Callable[[], None]:
    def run() -> None:
        for _, raw in zip(range(steps), data.train_dataloader(), strict=False):
            data.prepare(raw, "train")

    return run


def train(data: ImageData, steps: int, overrides: list[str]) -> Callable[[], None]:
    parts = Parts(compose_train(overrides))
    network = parts.autoencoder(data.image_shape).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters())

    def run() -> None:
        for _, raw in zip(range(steps), data.train_dataloader(), strict=False):
            batch = data.prepare(raw, "train")
            loss = (network(batch.input) - batch.target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def ratio(tasks: Sequence[Callable[[], None]], rounds: int) -> str:
    """How many times as fast the first is as the second: median and range of the rounds."""
    (mapped, memory), ratios = tasks, []
    for number in range(rounds + 1):
        seconds = {}
        for task in (mapped, memory) if number % 2 else (memory, mapped):
            start = time.perf_counter()
            task()
            seconds[task] = time.perf_counter() - start
        if number:  # the first warms up
            ratios.append(seconds[memory] / seconds[mapped])
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}, {rounds} rounds)"


def resident(overrides: list[str]) -> dict[str, float]:
    """The most that a run keeps resident, in MB: of its own (RssAnon), and of files (RssFile)."""
    run = [sys.executable, "train.py", *overrides]
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[1])
    most = {"RssAnon": 0.0, "RssFile": 0.0, "both": 0.0}
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            break
        now = {line.split(":")[0]: float(line.split()[1]) / 1000 for line in lines if line.startswith("Rss")}
        if now:
            now["both"] = now["RssAnon"] + now["RssFile"]
            most = {name: max(value, now[name]) for name, value in most.items()}
        time.sleep(0.02)
    assert process.wait() == 0
    return most


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=100)
    options, overrides = parser.parse_known_args(arguments)
    register_resolvers()
    folder = options.folder.resolve()
    roots = {"idle": (folder / "few", min(10_000, options.images)), "many": (folder / "many", options.images)}
    for root, count in roots.values():
        if not root.is_dir():
            write_pictures(root, count)
    given = {
        name: [*FIXED, f"data.root={root}", f"data.cache={folder / 'cache'}", *overrides]
        for name, (root, _) in roots.items()
    }
    opened(given["idle"])
    data, first = opened(given["many"])
    _, again = opened(given["many"])
    report(f"{options.images:,} pictures of {SIDE}×{SIDE}×3: decoded in {first:.1f} s, opened again in {again:.1f} s")
    memory: ImageData = Parts(compose_train(given["many"])).data
    memory.images = {name: Images(images.images.clone()) for name, images in data.images.items()}
    tasks = [fetch(one, options.steps) for one in (data, memory)]
    report(f"mapped against in memory, fetching: {ratio(tasks, options.rounds)}")
    tasks = [train(one, options.steps, given["many"]) for one in (data, memory)]
    report(f"mapped against in memory, training: {ratio(tasks, options.rounds)}")
    del memory, data
    short = [*QUIET, f"trainer.limit_train_batches={2 * options.steps}"]
    idle, many = (resident([*given[name], *short]) for name in roots)
    above = ", ".join(f"{name} {many[name] - idle[name]:,.0f} MB" for name in many)
    report(f"resident above a run of {roots['idle'][1]:,}, at most: {above} ({many['both']:,.0f} MB in all)")
    report(f"torch {torch.__version__}, {torch.get_num_threads()} threads")


def report(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
