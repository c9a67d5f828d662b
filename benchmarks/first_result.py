"""From the command to the first step, and to the table at the end: seconds of `python train.py`, by cause.

    python benchmarks/first_result.py [--rounds N] [--against CHECKOUT] [group=option] [key=value] …

With `--against` another checkout runs the same, in turn, and the ratios are those of neighbours. Each run is in an
empty folder of its own, with W&B offline, and computes its baselines anew; another first run, not counted, warms the
files.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from causes import REST, Clock, table

ROOT = Path(__file__).parents[1]
FIRST, WHOLE = "to the first step", "to the end of the command"


class Times(NamedTuple):
    """Of one run, in seconds: that passed, and that its process computed."""

    seconds: dict[str, float]
    computed: dict[str, float]
    """Both by cause"""
    until: dict[str, tuple[float, float]]
    """To `FIRST` and `WHOLE`"""


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path)
    options, overrides = parser.parse_known_args(arguments)
    checkouts = [path.resolve() for path in (ROOT, options.against) if path is not None]
    runs: list[list[Times]] = [[run(checkout, overrides) for checkout in checkouts] for _ in range(options.rounds + 1)]
    rounds = runs[1:]
    ours = [times[0] for times in rounds]
    lines = table("cause", median([times.seconds for times in ours]), median([times.computed for times in ours]))
    lines += ["", f"| {' | '.join(['', 'seconds', *['against', 'ratio'] * (len(checkouts) - 1)])} |"]
    lines += [f"|---|{'--:|' * (2 * len(checkouts) - 1)}"]
    for name in (FIRST, WHOLE):
        for kind, unit in enumerate(("", ", of a processor")):
            values = [[times.until[name][kind] for times in both] for both in rounds]
            cells = [spread(column) for column in zip(*values, strict=True)]
            if options.against is not None:
                cells.append(spread([here / there for here, there in values]))
            lines.append(f"| {name}{unit} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"Medians of {options.rounds} runs (smallest–largest)."])


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {cause: statistics.median(times.get(cause, 0.0) for times in runs) for cause in runs[0]}


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def run(checkout: Path, overrides: Sequence[str]) -> Times:
    """One run of that checkout in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        start, computed_before = time.time(), computed_by_children()
        environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "WANDB_MODE": "offline"}
        command = [sys.executable, __file__, "--inside", str(start), *overrides]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        end = time.time() - start
        times = Times(*json.loads(Path(folder, "times.json").read_text(encoding="utf-8")))
    times.seconds["end of Python"] = end - sum(times.seconds.values())
    times.until[WHOLE] = (end, computed_by_children() - computed_before)
    return times


def computed_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def inside(start: float, overrides: Sequence[str]) -> None:
    """What `run` starts: `train.py` in this process, timed."""
    clock = Clock("start of Python, import of Hydra")
    clock.since -= time.time() - start
    clock.computed_before = 0.0
    until: dict[str, tuple[float, float]] = {}
    from hourglass import cli
    from hourglass.cli import train as command

    train = command.train

    def timed(config: Any) -> None:
        clock.switch("import of torch")
        import torch  # noqa: F401

        clock.switch("import of Lightning, with torch._dynamo and torchmetrics")
        import lightning.pytorch  # noqa: F401

        clock.switch(REST)
        clock.watch_runs()
        from hourglass.training.module import AutoencoderModule

        step = AutoencoderModule.training_step

        def first_step(*args: Any) -> Any:
            until.setdefault(FIRST, (time.time() - start, time.process_time()))
            return step(*args)

        AutoencoderModule.training_step = first_step  # type: ignore
        train(config)

    command.train = timed
    clock.switch("composing")
    sys.argv = ["train.py", *overrides]
    try:
        cli.run("train")
    finally:
        clock.switch("end of Python")
        Path("times.json").write_text(json.dumps([clock.seconds, clock.computed, until]), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(float(sys.argv[2]), sys.argv[3:])
    else:
        print(main())
