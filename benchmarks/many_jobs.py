"""What a sweep of many jobs takes beyond its training: seconds of computing, and how they grow with the jobs.

    python benchmarks/many_jobs.py [--jobs 250,500,1000,2000]

Real command lines are planned; what is read is simulated, as in `planning.py`: completed runs of real configurations,
with files of the size that the default run leaves. *Growth* is the exponent between the last two numbers of jobs: 1 is
linear.
"""

import argparse
import contextlib
import io
import math
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from planning import DECODERS, planning, report

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers import sweep_folders  # noqa: E402
from hourglass.config.compose import register_resolvers  # noqa: E402
from hourglass.core.files import write_json  # noqa: E402
from hourglass.report import index  # noqa: E402
from hourglass.runs.read import names_of, read_sweep  # noqa: E402
from hourglass.sweeps import progress  # noqa: E402
from hourglass.sweeps.overview.listing import listing  # noqa: E402

LINES = 20
"""Jobs whose line is timed"""


def lines(folder: Path) -> float:
    """A job's, when half of the others are done and half are not."""
    jobs = list(read_sweep(folder)["jobs"])
    names = names_of(read_sweep(folder)["jobs"], jobs)
    done, last = jobs[: len(jobs) // 2], jobs[len(jobs) // 2 :][:LINES]
    ends: progress.Ends = dict.fromkeys(done, ("completed", 0.01))
    half = folder.with_name("half")  # jobs that are to be trained have no folder yet
    for job in done:
        (half / job).mkdir(parents=True)
    for job in last:
        (half / job).symlink_to(folder / job)
    return computing(lambda: [progress.line(half, names, job, None, {job: 9.0}, None, 1, ends) for job in last]) / len(
        last
    )


def reporting(folder: Path) -> float:
    with tempfile.TemporaryDirectory() as out:
        _, seconds = report(folder, Path(out))
        page = (Path(out) / "report.html").stat().st_size
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"  the page of {folder.name}: {page / 1e6:.1f} MB, memory {memory / 1e6:.1f} GB", file=sys.stderr)
    return seconds


def computing(action: Callable[[], object]) -> float:
    """Seconds of a processor."""
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        action()
    return time.process_time() - start


def subset(whole: Path, folder: Path, jobs: int) -> Path:
    """The sweep of the first of its seeds, whose files it shares."""
    content = read_sweep(whole)
    seed = {job: int(about["overrides"][-1].removeprefix("seed=")) for job, about in content["jobs"].items()}
    kept = sorted(seed, key=lambda job: seed[job])[:jobs]
    for job in kept:
        shutil.copytree(whole / job, folder / job, copy_function=os.link)
    write_json(folder / "sweep.json", content | {"jobs": {job: content["jobs"][job] for job in kept}})
    return folder


STEPS: dict[str, Callable[[Path, int], float]] = {
    "planning": lambda _, jobs: planning(1, jobs // len(DECODERS))[1],
    "reading `sweep.json`": lambda folder, _: computing(lambda: read_sweep(folder)),
    "the line of one job": lambda folder, _: lines(folder),
    "the table of results": lambda folder, _: computing(
        lambda: progress.closing(folder, names_of(jobs := read_sweep(folder)["jobs"], jobs))
    ),
    "`runs.py`": lambda folder, _: computing(lambda: listing(folder, {})),
    "`index.html`": lambda folder, _: computing(lambda: index.render(folder.parent)),
    "the report": lambda folder, _: reporting(folder),
}


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", default="250,500,1000,2000")
    counts = sorted(int(count) for count in parser.parse_args(arguments).jobs.split(","))
    register_resolvers()
    sweep_folders.EPOCHS, sweep_folders.STEPS = 15, 30
    taken: dict[str, list[float]] = {name: [] for name in STEPS}
    with tempfile.TemporaryDirectory() as name:
        grid, seeds = [f"decoder={one}" for one in DECODERS], range(counts[-1] // len(DECODERS))
        whole = sweep_folders.make(Path(name) / "whole", grid, seeds=seeds)
        for jobs in counts:
            folder = subset(whole, Path(name) / str(jobs) / "sweep", jobs)
            for step, measure in STEPS.items():
                taken[step].append(measure(folder, jobs))
                print(f"  {jobs} jobs, {step}: {taken[step][-1]:.3f} s", file=sys.stderr)
    head = " | ".join(f"{jobs:,} jobs" for jobs in counts)
    rows = [f"| seconds of computing | {head} | growth |", f"|---|{'--:|' * len(counts)}--:|"]
    for step, seconds in taken.items():
        growth = math.log(seconds[-1] / seconds[-2]) / math.log(counts[-1] / counts[-2]) if len(counts) > 1 else 1.0
        rows.append(f"| {step} | {' | '.join(f'{one:.3g}' for one in seconds)} | {growth:.2f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(main())
