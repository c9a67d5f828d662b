"""Parts that start `train.py`: one run on the device, one that is killed, and several that share the device."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from gpu_parts.setting import HERE, QUIET, ROOT, Sizes
from hourglass.runs.read import read_summary
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint


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
