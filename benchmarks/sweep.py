"""What a job of a sweep costs beyond its training, by cause: 24 small jobs, one after another, with W&B offline.

    python benchmarks/sweep.py [--jobs N] [group=option] [key=value] …

Imports, planning and the table at the end, which a sweep has once, are left out.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from causes import REST, Clock, table

ROOT = Path(__file__).parents[1]
SMALL = (
    "trainer.max_epochs=2", "trainer.limit_train_batches=20", "trainer.accelerator=cpu", "logger.wandb.mode=offline",
    "report=false", "trainer.enable_progress_bar=false",
)  # fmt: skip
PROCESS = "start, watch and end of its process"


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=24)
    options, overrides = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(ROOT):
        sweep = ("-m", f"seed=range(0,{options.jobs})", "sweep=jobs", f"hydra.sweep.dir={folder}/sweep")
        clock = measured([*sweep, f"baselines={folder}/baselines", *SMALL, *overrides], Path(folder))
    seconds, computed = (
        {cause: value / options.jobs for cause, value in total.items()} for total in (clock.seconds, clock.computed)
    )
    training = f"training itself {seconds.pop('training'):.2f} s, {computed.pop('training'):.2f} of a processor"
    return "\n".join(
        [*table("a job, beyond its training", seconds, computed), "", f"Means of {options.jobs} jobs; {training}."]
    )


def measured(command: Sequence[str], folder: Path) -> Clock:
    """Carry the sweep out; what all its jobs took, by cause, in this process and in theirs."""
    from hourglass import cli
    from hourglass.core.compat.wandb import preload
    from hourglass.runs import launch

    preload()
    once = "once a sweep"
    clock = Clock(once)
    clock.watch_runs()
    clock.watch("hydra._internal.config_loader_impl:ConfigLoaderImpl.load_sweep_config", "composing")
    clock.watch("hourglass.cli.sweep:plan", once)
    clock.watch("hourglass.cli.sweep:Job.__call__", "composing")
    clock.watch("hourglass.sweeps.jobs:run_job", "its place in the sweep, its line")
    clock.watch("hourglass.runs.launch:in_processes", PROCESS)
    work = launch._outcome

    def in_a_process(*args: Any) -> Any:
        clock.cause = REST
        clock.begin()
        try:
            return work(*args)
        finally:
            clock.switch(REST)
            text = json.dumps([clock.seconds, clock.computed])
            (folder / f"{os.getpid()}.json").write_text(text, encoding="utf-8")

    launch._outcome = in_a_process  # type: ignore
    sys.argv = ["train.py", *command]
    cli.run("train")
    clock.switch(once)
    for path in folder.glob("*.json"):
        seconds, computed = json.loads(path.read_text(encoding="utf-8"))
        clock.seconds[PROCESS] -= sum(seconds.values())  # in which this process waited for that one
        clock.add(seconds, computed)
    del clock.seconds[once], clock.computed[once]
    return clock


if __name__ == "__main__":
    print(main())
