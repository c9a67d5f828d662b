"""Where the seconds of a run go: a second counts for the innermost of the functions below that is running."""

import functools
import importlib
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

CAUSES = {
    "data": ("hourglass.data.datamodule:ImageData.setup", "hourglass.data.datamodule:ImageData.fingerprint"),
    "baselines": ("hourglass.runs.train:baselines_of",),
    "W&B: start": ("hourglass.runs.train:open_loggers",),
    "W&B: numbers and pictures": (
        "hourglass.training.loggers.wandb:ResilientWandbLogger.log_metrics",
        "hourglass.training.loggers.wandb:ResilientWandbLogger.log_hyperparams",
        "hourglass.training.loggers.wandb:ResilientWandbLogger.log_image",
    ),
    "W&B: finish": ("hourglass.training.loggers.wandb:ResilientWandbLogger.finish",),
    "pictures": (
        "hourglass.training.callbacks:ImageGrids.on_train_start",
        "hourglass.training.callbacks:ImageGrids.on_train_epoch_end",
        "hourglass.training.callbacks:ImageGrids.on_train_end",
        "hourglass.training.callbacks:Examples.on_test_epoch_end",
    ),
    "checkerboard metrics": (
        "hourglass.training.callbacks:Checkerboards.on_train_start",
        "hourglass.training.callbacks:Checkerboards.on_test_epoch_end",
    ),
    "training": ("lightning.pytorch.loops.training_epoch_loop:_TrainingEpochLoop.advance",),
    "validation and test": (
        "lightning.pytorch.loops.evaluation_loop:_EvaluationLoop.run",
        "hourglass.training.callbacks:Health.on_validation_end",
    ),
    "checkpoints, metrics.csv": (
        "hourglass.training.checkpoints:DurableCheckpointIO.save_checkpoint",
        "hourglass.training.loggers.metrics_csv:MetricsCsv.write",
    ),
}
REST = "network, Lightning's set-up, summary"


class Clock:
    """Seconds by cause, that passed and that this process computed; `cause` is that of those that pass now."""

    def __init__(self, cause: str) -> None:
        self.cause = cause
        self.begin()

    def begin(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.computed: defaultdict[str, float] = defaultdict(float)
        self.since, self.computed_before = time.perf_counter(), time.process_time()

    def switch(self, cause: str) -> str:
        """From now on it is `cause`; returns what it was."""
        before, now, computed = self.cause, time.perf_counter(), time.process_time()
        self.seconds[before] += now - self.since
        self.computed[before] += computed - self.computed_before
        self.cause, self.since, self.computed_before = cause, now, computed
        return before

    def add(self, seconds: Mapping[str, float], computed: Mapping[str, float]) -> None:
        """What another process has measured."""
        for total, more in ((self.seconds, seconds), (self.computed, computed)):
            for cause, value in more.items():
                total[cause] += value

    def watch(self, function: str, cause: str) -> None:
        """The seconds in `module:name`, or in `module:Class.name`, are those of this cause."""
        module, _, path = function.partition(":")
        *owners, name = path.split(".")
        owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before = self.switch(cause)
            try:
                return inner(*args, **kwargs)
            finally:
                self.switch(before)

        setattr(owner, name, timed)

    def watch_runs(self) -> None:
        for cause, functions in CAUSES.items():
            for function in functions:
                self.watch(function, cause)


def table(title: str, seconds: Mapping[str, float], computed: Mapping[str, float]) -> list[str]:
    """Rows of Markdown, the largest first, and their sum."""
    rows = [f"| {title} | seconds | of a processor |", "|---|--:|--:|"]
    for cause, value in sorted(seconds.items(), key=lambda item: -item[1]):
        rows.append(f"| {cause} | {value:.2f} | {computed.get(cause, 0):.2f} |")
    return [*rows, f"| **together** | **{sum(seconds.values()):.2f}** | **{sum(computed.values()):.2f}** |"]
