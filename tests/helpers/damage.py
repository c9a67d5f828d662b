"""Interrupt runs and sweeps, damage what they left, and give the same command again.

`python tests/helpers/damage.py FOLDER ROUNDS SEED` prints a table (kind, tried, refused, bad) as one JSON object. A
round is bad unless it ends as an unbroken run does, bit for bit, or is refused in words that name the damaged file, and
ends so once the cure is followed that the words give.
"""

import builtins
import contextlib
import errno
import io
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torture import TINY, VARIANTS, descendants, differences, ended, forked, kill, result_of

from hourglass.cli import entry
from hourglass.config.compose import compose_train, register_resolvers
from hourglass.core.compat.wandb import preload
from hourglass.runs import launch, status
from hourglass.sweeps import jobs

PREPARED = (launch, jobs)
"""What a job needs is imported before the first fork."""


def delete(path: Path, chance: random.Random) -> None:
    path.unlink()


def tear(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])


def flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def lose_a_row(path: Path, chance: random.Random) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    del lines[chance.randrange(1, max(2, len(lines))) :][:1]
    path.write_text("".join(lines), encoding="utf-8")


DAMAGE: dict[str, tuple[str, Callable[[Path, random.Random], None]]] = {
    "metrics.csv deleted": ("metrics.csv", delete),
    "metrics.csv torn": ("metrics.csv", tear),
    "metrics.csv without a row": ("metrics.csv", lose_a_row),
    "times.csv deleted": ("times.csv", delete),
    "summary.json deleted": ("summary.json", delete),
    "summary.json torn": ("summary.json", tear),
    "sweep.json deleted": ("../sweep.json", delete),
    "sweep.json torn": ("../sweep.json", tear),
    "last.ckpt deleted": ("checkpoints/last.ckpt", delete),
    "last.ckpt torn": ("checkpoints/last.ckpt", tear),
    "last.ckpt with a flipped bit": ("checkpoints/last.ckpt", flip),
    "best.ckpt torn": ("checkpoints/best.ckpt", tear),
    "best.ckpt with a flipped bit": ("checkpoints/best.ckpt", flip),
}
LIVE = ("full disk", "W&B service stopped", "W&B service killed")
"""What befalls a run while it goes on"""


def arguments(folder: Path, kind: str, variant: list[str]) -> list[str]:
    """A real command line, of a sweep of two where the damage is a sweep's."""
    given = [*TINY, *variant]
    if kind.startswith("W&B"):
        given[given.index("logger=none")] = "logger=wandb"
    if not kind.startswith("sweep.json"):
        return [*given, f"hydra.run.dir={folder / 'run'}"]
    return ["-m", *given, "seed=0,1", f"hydra.sweep.dir={folder}", "sweep=damage", "report=false"]


def run_folders(folder: Path, kind: str, variant: list[str]) -> list[Path]:
    if not kind.startswith("sweep.json"):
        return [folder / "run"]
    return [folder / compose_train([*TINY, *variant, "report=false", f"seed={seed}"]).id for seed in (0, 1)]


def with_a_full_disk(task: Callable[[], object], folder: Path, after: float) -> Callable[[], object]:
    """`task`, in whose process no file below `folder` can be opened to write, from `after` seconds on."""

    def full(path: Any) -> None:
        if time.monotonic() > moment and not isinstance(path, int) and str(folder) in os.path.abspath(os.fspath(path)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def open_(path: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
        if set(mode) & set("wxa+"):
            full(path)
        return real(path, mode, *more, **options)

    def os_open(path: Any, flags: int, *more: Any, **options: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            full(path)
        return real_os(path, flags, *more, **options)

    def damaged() -> None:
        nonlocal moment
        moment = time.monotonic() + after
        builtins.open = io.open = open_  # type: ignore[assignment]
        os.open = os_open
        task()

    real, real_os, moment = io.open, os.open, 0.0
    return damaged


def hurt_service(pid: int, signum: signal.Signals) -> None:
    """Send a signal to the W&B service of a run, once there is one."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
        for one in descendants(pid):
            with contextlib.suppress(OSError):
                if "wandb-core" in Path(f"/proc/{one}/cmdline").read_text(encoding="utf-8"):
                    os.kill(one, signum)
                    return
        time.sleep(0.02)


def round_of(
    kind: str, variant: list[str], folder: Path, expected: list[Any], seconds: float, rng: random.Random
) -> str:
    """`equal`, `refused` and then equal, `too late`, or what is wrong."""
    folder.mkdir()
    folders, screen = run_folders(folder, kind, variant), folder / "screen.txt"

    def task() -> None:
        entry.run("train", arguments(folder, kind, variant))

    if kind == "full disk":
        pid = forked(with_a_full_disk(task, folder / "run", rng.uniform(0, seconds)), screen)
        if (code := ended(pid, 120)) not in (0, 1):
            return f"it ended with {code}"
    elif kind in LIVE:
        pid = forked(task, screen)
        time.sleep(rng.uniform(0, seconds / 2))
        signum = signal.SIGSTOP if kind.endswith("stopped") else signal.SIGKILL
        threading.Thread(target=hurt_service, args=(pid, signum)).start()
        if (code := ended(pid, 120)) != 0:
            return f"it ended with {code}"
    else:
        pid = forked(task, screen)
        if ended(pid, rng.uniform(0.3, 1) * seconds) is None:
            kill(pid, "all")
            ended(pid, 60)
        while any(folder.exists() and status.is_locked(folder) for folder in folders):
            time.sleep(0.01)
        name, damage = DAMAGE[kind]
        path = (rng.choice(folders) / name).resolve()
        if all(status.status_of(one) == "completed" for one in folders) or not path.exists():
            return "too late"
        damage(path, rng)
    return again(task, folders, kind, expected, screen)


def again(task: Callable[[], object], folders: list[Path], kind: str, expected: list[Any], screen: Path) -> str:
    """The same command, and the cure where it is refused."""
    outcome = "equal"
    for _ in range(3):
        said = len(screen.read_text(encoding="utf-8"))
        code = ended(forked(task, screen), 120)
        text = screen.read_text(encoding="utf-8")[said:]
        if "Traceback" in text:
            return f"a traceback: {text[-1500:]}"
        done = all(status.status_of(one) == "completed" for one in folders)
        if code == 0 or done:
            break
        if kind.split()[0] not in text:
            return f"it is refused, and the file is not named: {text[-600:]}"
        if "elete" not in text:
            return f"it is refused, and no cure is given: {text[-600:]}"
        outcome = "refused"
        for one in folders:
            shutil.rmtree(one / "checkpoints", ignore_errors=True)
    if not all(status.status_of(one) == "completed" for one in folders):
        return f"it does not end: {[status.status_of(one) for one in folders]}: {text[-600:]}"
    differing = [d for e, f in zip(expected, folders, strict=True) for d in differences(e, result_of(f))]
    return f"it ends otherwise: {differing[:5]}" if differing else outcome


def main() -> None:
    base, rounds, seed = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
    os.environ["WANDB_MODE"] = "offline"
    register_resolvers()
    preload()
    torch.set_num_threads(1)
    rng, kinds = random.Random(seed), [*DAMAGE, *LIVE]
    table = {kind: {"tried": 0, "refused": 0, "bad": []} for kind in kinds}
    unbroken: dict[str, tuple[list[Any], float]] = {}
    for number in range(rounds):
        kind, variant = kinds[number % len(kinds)], list(VARIANTS[rng.randrange(len(VARIANTS))])
        key = f"{kind.startswith('sweep.json')} {variant}"
        if key not in unbroken:
            folder = base / f"unbroken-{len(unbroken)}"
            folder.mkdir(parents=True)
            given, start = arguments(folder, kind.replace("W&B", ""), variant), time.monotonic()
            code = ended(forked(lambda given=given: entry.run("train", given), folder / "screen.txt"), 240)
            assert code == 0, (folder / "screen.txt").read_text(encoding="utf-8")[-2000:]
            taken = time.monotonic() - start
            unbroken[key] = ([result_of(one) for one in run_folders(folder, kind, variant)], taken)
        outcome = "too late"
        for attempt in range(5):
            folder = base / f"{number}-{attempt}"
            outcome = round_of(kind, variant, folder, *unbroken[key], rng)
            if outcome in ("equal", "refused", "too late"):
                shutil.rmtree(folder)
            if outcome != "too late":
                break
        row: Any = table[kind]
        row["tried"] += outcome != "too late"
        row["refused"] += outcome == "refused"
        row["bad"] += [] if outcome in ("equal", "refused", "too late") else [f"{number}: {outcome}"]
    print(json.dumps(table))


if __name__ == "__main__":
    main()
