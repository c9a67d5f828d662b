"""Kill runs and sweeps at random moments until they are done, and compare what they leave with unbroken ones.

`python tests/helpers/torture.py FOLDER ROUNDS SEED [--ranks 2]` prints one JSON object. A process of its own, so that
each attempt can be forked from one that has imported everything: 20 rounds take less than a minute.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from photo_folders import fill  # beside this file, which is run as a program

from hourglass.cli import entry
from hourglass.config.compose import compose_train, register_resolvers
from hourglass.runs import launch, status
from hourglass.runs.job import Job
from hourglass.sweeps import jobs  # noqa: F401  # what a job needs is imported before the first fork

TINY = [
    "data=synthetic", "data.image_shape=[1,8,8]", "data.source.train=80", "data.source.test=16", "data.val_size=16",
    "data.batch_size=8", "channels=[4]", "trainer.max_epochs=3", "trainer.log_every_n_steps=2", "checkpoint_every=3",
    "callbacks.image_grids.count=1", "callbacks.checkerboards.images=4", "callbacks.health.images=4", "baselines=null",
    "trainer.accelerator=cpu", "trainer.enable_progress_bar=false", "logger=none",
]  # fmt: skip
VARIANTS: list[list[str]] = [
    ["corruption=gaussian"],
    ["model=vae"],
    ["optimizer=sgd", "optimizer.lr=0.01", "trainer.accumulate_grad_batches=2"],
    ["callbacks=early_stopping", "callbacks.early_stopping.patience=1", "callbacks.early_stopping.min_delta=1"],
    ["decoder=max_unpool", "data.num_workers=1"],
    ["latent=rvq", "latent.dim=2", "latent.codebook_size=8", "latent.quantizers=2", "latent.dead_below=4"],
]  # fmt: skip

OWN_PICTURES = ["data=folder", "data.size=8", "augmentation=flip_crop", "augmentation.shift=2", "corruption=masking"]


def composed_of(overrides: list[str]) -> list[str]:
    """`TINY` with these, without the options that only its own data has."""
    own = ("data=", "data.image_shape", "data.source", "data.val_size") if "data=folder" in overrides else ()
    return [option for option in TINY if not option.startswith(own)] + overrides


def forked(task: Callable[[], object], screen: Path) -> int:
    """Start `task` in a child with a process group of its own; its pid."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    os.setpgrp()
    out = os.open(screen, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    code = 1
    try:
        task()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
        if not isinstance(error.code, int):
            print(error.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.stdout.flush()
        os._exit(code)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, itself first."""
    children: dict[int, list[int]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(process.name))
    family = [pid]
    for one in family:
        family += children.get(one, [])
    return family


def kill(pid: int, how: str) -> None:
    for one in descendants(pid) if how == "all" else [pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGTERM if how == "term" else signal.SIGKILL)


def ended(pid: int, seconds: float) -> int | None:
    """The exit code, or None if it still runs after so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, ending = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(ending)
        time.sleep(0.002)
    return None


def until_done(
    task: Callable[[], object], folders: list[Path], chance: random.Random, kills: int, length: float
) -> int:
    """Run `task` again and again, killing it `kills` times at random moments; how many kills it met."""
    met, screen = 0, folders[0].parent / "screen.txt"
    for attempt in range(kills + 20):
        pid = forked(task, screen)
        how = chance.choice(["main", "all", "all", "term"])
        code = ended(pid, chance.uniform(0, length) if attempt < kills else 120)
        if code is None:
            met += 1
            kill(pid, how)
            if how == "term" and chance.random() < 0.3:
                kill(pid, how)
            code = ended(pid, 60)
            assert code is not None, f"it did not end after {how}"
            for folder in folders:  # whoever outlives a killed parent saves and stops
                while folder.exists() and status.is_locked(folder):
                    time.sleep(0.005)
            # -15: the signal came before the run could handle it, or behind its end
            assert code in ((0, 143, -15) if how == "term" else (0, -9)), f"{code} after {how}: {tail(screen)}"
        elif attempt >= kills:
            break
        if all(status.status_of(folder) == "completed" for folder in folders):
            break
    statuses = [status.status_of(folder) for folder in folders]
    assert statuses == ["completed"] * len(folders), f"{statuses}: {tail(screen)}"
    return met


def tail(screen: Path) -> str:
    """The last that a run has said."""
    return f"{screen} ends with\n{screen.read_text(encoding='utf-8')[-3000:]}"


def result_of(folder: Path) -> dict[str, Any]:
    """All that must not depend on how often a run was killed."""
    last = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    best = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)
    summary = json.loads((folder / "summary.json").read_text())
    return {
        "last": last["state_dict"], "best": best["state_dict"], "optimizer": last["optimizer_states"],
        "schedule": last["lr_schedulers"], "history": (folder / "metrics.csv").read_text(),
        "metrics": summary["metrics"], "health": summary["health"], "spectra": (folder / "spectra.csv").read_text(),
        "images": {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())},
    }  # fmt: skip


def differences(a: Any, b: Any, path: str = "") -> list[str]:
    """Where two results differ, by bits."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [where for key in a for where in differences(a[key], b[key], f"{path}/{key}")]
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        return [where for i, (x, y) in enumerate(zip(a, b, strict=True)) for where in differences(x, y, f"{path}/{i}")]
    same = torch.equal(a, b) if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) else a == b
    return [] if same else [path]


def single(folder: Path, overrides: list[str]) -> tuple[Callable[[], object], list[Path]]:
    """One run into `folder/run`."""
    configuration = compose_train(composed_of(overrides))
    job = Job(folder / "run", configuration.id, {"model": "m", "encoder": "e", "decoder": "d"})
    return lambda: launch.alone(configuration, job), [job.folder]


def sweep(folder: Path, overrides: list[str]) -> tuple[Callable[[], object], list[Path]]:
    """Two jobs of a real `train.py -m` into `folder/<id>`."""
    given = [*composed_of(overrides), "seed=0,1", "trainer.max_epochs=2", f"hydra.sweep.dir={folder}", "sweep=torture"]
    given.remove("trainer.max_epochs=3")
    once = [g for g in given if not g.startswith(("seed", "hydra"))]
    names = [compose_train([*once, f"seed={seed}"]).id for seed in (0, 1)]
    return lambda: entry.run("train", ["-m", *given]), [folder / name for name in names]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("rounds", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--ranks", type=int, default=1)
    options = parser.parse_args()
    register_resolvers()
    torch.set_num_threads(1)
    chance, variants = random.Random(options.seed), [*VARIANTS, OWN_PICTURES]
    fill(options.folder / "photos", 120, size=(12, 10))
    unbroken: dict[str, tuple[list[dict[str, Any]], float]] = {}
    total, wrong = 0, []
    for number in range(options.rounds):
        kind = sweep if number % 5 == 4 and options.ranks == 1 else single
        overrides = list(variants[number % len(variants)])
        if "data=folder" in overrides:
            overrides += [f"data.root={options.folder / 'photos'}", f"data.cache={options.folder / 'cache'}"]
        if options.ranks > 1:
            overrides += [f"trainer.devices={options.ranks}", "trainer.strategy=ddp"]
        name = f"{kind.__name__}-{number % len(variants)}"
        if name not in unbroken:
            (options.folder / name).mkdir(parents=True)
            task, folders = kind(options.folder / name, overrides)
            start = time.monotonic()
            until_done(task, folders, chance, 0, 0)
            unbroken[name] = ([result_of(folder) for folder in folders], time.monotonic() - start)
        expected, seconds = unbroken[name]
        (folder := options.folder / str(number)).mkdir()
        task, folders = kind(folder, overrides)
        total += until_done(task, folders, chance, chance.randint(1, 6), seconds)
        differing = [d for e, f in zip(expected, folders, strict=True) for d in differences(e, result_of(f))]
        wrong += [f"round {number}, {name}: {differing[:5]}"] if differing else []
        if not differing:
            shutil.rmtree(folder)
    print(json.dumps({"rounds": options.rounds, "kills": total, "wrong": wrong}))


if __name__ == "__main__":
    main()
