"""What threads that wait cost: a run alone, and two at once on the same cores, for several ways to wait.

    python benchmarks/shared_machine.py [--rounds R] [--epochs N] [key=value] …

A run is `train.py` in a process of its own, without baselines, pictures and W&B, on all cores: seconds of training, by
its own count, and of two at once those of the slower one. The ways take turns: `spin` is what OpenMP does by itself,
numbers are values of GOMP_SPINCOUNT, and `passive` is OMP_WAIT_POLICY.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import hardware

WAYS = {
    "spin": {"GOMP_SPINCOUNT": "300000"},  # what libgomp takes by itself
    "10000": {"GOMP_SPINCOUNT": "10000"},
    "1000": {"GOMP_SPINCOUNT": "1000"},
    "passive": {"OMP_WAIT_POLICY": "passive"},
}
SHORT = (
    "logger=none", "baselines=null", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false",
    "~callbacks.image_grids", "~callbacks.checkerboards", "trainer.limit_test_batches=1",
)  # fmt: skip
ROOT = Path(__file__).parents[1]


def seconds(way: dict[str, str], runs: int, overrides: list[str]) -> float:
    """Of training, in the slowest of `runs` at once."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, str(i)) for i in range(runs)]
        processes = [
            subprocess.Popen(
                [sys.executable, "train.py", *SHORT, f"hydra.run.dir={folder}", f"seed={i}", *overrides],
                cwd=ROOT, env=os.environ | way, stdout=subprocess.DEVNULL,
            )
            for i, folder in enumerate(folders)
        ]  # fmt: skip
        if any(process.wait() for process in processes):
            raise SystemExit("a run has failed")
        summaries = [json.loads((folder / "summary.json").read_text(encoding="utf-8")) for folder in folders]
    return max(float(summary["cost"]["train_seconds"]) for summary in summaries)


def main(arguments: list[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=2)
    given, overrides = parser.parse_known_args(arguments)
    overrides = [f"trainer.max_epochs={given.epochs}", *overrides]
    taken: dict[tuple[str, int], list[float]] = {(way, runs): [] for way in WAYS for runs in (1, 2)}
    for _, (way, runs) in itertools.product(range(given.rounds), taken):
        taken[way, runs].append(seconds(WAYS[way], runs, overrides))
    lines = [
        "| threads wait | one alone, s | against `spin` | two at once, s | against one alone |",
        "|---|--:|--:|--:|--:|",
    ]
    for way in WAYS:
        alone, both = taken[way, 1], taken[way, 2]
        price = [one / other for one, other in zip(alone, taken["spin", 1], strict=True)]
        shared = [two / one for two, one in zip(both, alone, strict=True)]
        cells = [f"{statistics.median(alone):.1f}", ratio(price), f"{statistics.median(both):.1f}", ratio(shared)]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"Medians of {given.rounds} rounds (least–greatest). {hardware()}."])


def ratio(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


if __name__ == "__main__":
    print(main())
