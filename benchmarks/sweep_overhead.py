"""What a sweep costs beside its jobs: the seconds from the end of each job to the moment at which the next one begins.

    python benchmarks/sweep_overhead.py [--jobs N] [group=option] [key=value] …

A job has ended when its `summary.json` says so, and the next one has begun when it holds its folder's lock: composed,
forked and isolated, with everything imported. The first job, which waits for the imports, is not counted.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TINY = (
    "trainer.max_epochs=1", "trainer.limit_train_batches=6", "trainer.accelerator=cpu", "logger=none", "baselines=null",
    "report=false", "trainer.enable_progress_bar=false",
)  # fmt: skip


def gaps(folder: Path) -> list[float]:
    """Seconds between the jobs of a sweep that ran one after another, in their order."""
    jobs = sorted(folder.glob("*/summary.json"), key=lambda path: path.stat().st_mtime)
    pairs = itertools.pairwise(jobs)
    return [(after.parent / ".lock").stat().st_mtime - before.stat().st_mtime for before, after in pairs]


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20)
    options, overrides = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sweep = ("-m", f"seed=range(0,{options.jobs})", "sweep=overhead", f"hydra.sweep.dir={folder}")
        subprocess.run([sys.executable, "train.py", *sweep, *TINY, *overrides], cwd=ROOT, check=True)
        seconds = gaps(Path(folder))
    low, median, high = min(seconds), statistics.median(seconds), max(seconds)
    return f"{len(seconds)} times from a job to the next: median {median:.2f} s ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    print(main())
