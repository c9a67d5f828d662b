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
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from gpu_parts.operators import deterministic, pairs
from gpu_parts.setting import DEVICE, GPU, NeedsGpu, Sizes
from gpu_parts.speed import pictures, throughput
from gpu_parts.waits import waits
from gpu_parts.whole_runs import resume, run, together
from machine import cpu

from hourglass.config.compose import register_resolvers
from hourglass.core.errors import HourglassError
from hourglass.training.trainer import quieten

PARTS: dict[str, Callable[[Sizes], Iterator[str]]] = {
    part.__name__: part for part in (run, waits, resume, throughput, pairs, deterministic, together, pictures)
}


def hardware() -> str:
    if GPU:
        name = f"{torch.cuda.get_device_name(DEVICE)}, driver's CUDA {torch.version.cuda}"
    else:
        name = f"a rehearsal without a GPU, on {cpu()}"
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
