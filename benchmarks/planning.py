"""How long a sweep is planned, and how long a report of its runs takes: seconds by the number of jobs and of runs.

    python benchmarks/planning.py [--rounds R]

Planned are real command lines. The runs of the report are simulated, as for the tests: real configurations, and files
of the size that the default run leaves. A report is timed from the command to its end, as a user waits for it. Medians
of R rounds; beside the seconds on the clock those of computing, which other programs of the machine disturb less.
"""

import argparse
import contextlib
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers import sweep_folders  # noqa: E402
from hourglass.cli.sweep import plan  # noqa: E402
from hourglass.config.compose import CONF, register_resolvers  # noqa: E402
from hourglass.core.compat.hydra import Application  # noqa: E402

ENCODERS = ("maxpool", "strided", "blurpool", "avgpool", "space_to_depth", "haar")
DECODERS = ("transpose", "resize", "subpixel", "bilinear", "nearest")
JOBS = {(1, 10): 50, (1, 100): 500, (6, 16): 480}
"""(encoders, seeds) -> jobs, with each of the decoders"""
RUNS = {(1, 3): 24, (6, 5): 240}
"""(encoders, decoders) -> runs, with 8 seeds"""
Seconds = tuple[float, float]
"""On the clock, of computing"""


def planning(encoders: int, seeds: int) -> Seconds:
    grid = [f"encoder={','.join(ENCODERS[:encoders])}", f"decoder={','.join(DECODERS)}", f"seed=range(0,{seeds})"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        application = Application(CONF, "train", [*grid, f"hydra.sweep.dir={folder}"])
        start = time.perf_counter(), time.process_time()
        plan(application, ["sweep=planned"], ["train"])
        return time.perf_counter() - start[0], time.process_time() - start[1]


def report(folder: Path, out: Path) -> Seconds:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "report.py", str(folder), f"out={out}"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    computing = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, computing


def simulated(folder: Path, encoders: int, decoders: int) -> Path:
    sweep_folders.EPOCHS, sweep_folders.STEPS = 15, 30
    grid = [f"encoder={name}" for name in ENCODERS[:encoders]], [f"decoder={name}" for name in DECODERS[:decoders]]
    return sweep_folders.make(folder, *grid, seeds=range(8))


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    register_resolvers()
    with tempfile.TemporaryDirectory() as folder:
        what: dict[str, Callable[[], Seconds]] = {}
        for (encoders, seeds), count in JOBS.items():
            pairs = f"{encoders * len(DECODERS)} pairs of operators"
            what[f"planning {count} jobs, {pairs}"] = partial(planning, encoders, seeds)
        for (encoders, decoders), count in RUNS.items():
            runs = simulated(Path(folder) / str(count), encoders, decoders)
            pairs = f"{encoders * decoders} pairs of operators"
            what[f"report of {count} runs, {pairs}"] = partial(report, runs, Path(folder) / "report")
        taken: dict[str, list[Seconds]] = {name: [] for name in what}
        for _ in range(rounds):
            for name, measure in what.items():
                taken[name].append(measure())
    lines = ["| | seconds | of computing |", "|---|--:|--:|"]
    for name, seconds in taken.items():
        clock, computing = (statistics.median(one) for one in zip(*seconds, strict=True))
        lines.append(f"| {name} | {clock:.1f} | {computing:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(main())
