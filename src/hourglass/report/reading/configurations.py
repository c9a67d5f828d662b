"""What was trained, apart from the seed: which keys were varied, and the configurations that they make."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hourglass.config.identity import LATER
from hourglass.core.text import as_option
from hourglass.report.reading.run import ABSENT, Problem, Run, value_of
from hourglass.runs.read import of_job

PRESETS = ("experiment", "model")
"""Groups whose options choose among the other groups."""
BUDGET = "trainer.max_steps"
"""Runs of one length are held against each other."""
TASK = re.compile(r"(data|corruption|trainer\.max_steps)$|data\.(source|image_shape|checksums)|corruption\.")


WATCHING = (
    "LearningRateMonitor", "DeviceStatsMonitor", "ThroughputMonitor", "ModelSummary", "RichModelSummary",
    "RichProgressBar", "TQDMProgressBar", "ModelCheckpoint",
)  # fmt: skip
"""Callbacks of Lightning that change nothing in what is trained, beside all of ours."""


def is_task(key: str, declared: Collection[str] = ()) -> bool:
    """Does a key say what is to be done, not how? Results of different tasks say nothing of each other. A sweep may
    have `declared` more of them."""
    return key in declared or TASK.match(key) is not None


def is_treatment(run: Run, key: str) -> bool:
    """Does a key say what is trained, and not only what is measured or watched of it?

    A callback of Lightning does, such as early stopping, but for those in `WATCHING`; one of another package where it
    says so, with `changes_training = True`.
    """
    group, _, rest = key.partition(".")
    if group != "callbacks":
        return group != "metrics"
    name = rest.split(".")[0]
    package, *_, kind = str(run.config.get(f"callbacks.{name}._target_", "")).split(".")
    return kind not in WATCHING if package in ("lightning", "pytorch_lightning") else name in run.effects


def treatment(run: Run) -> frozenset[tuple[str, str]]:
    """All that decides what was trained, the seed too: in two runs that agree in it the same."""
    return frozenset((key, as_option(value)) for key, value in run.config.items() if is_treatment(run, key))


@dataclass
class Configuration:
    label: str
    values: dict[str, str]
    """Varied key -> value as one types it, without the keys that this configuration does not have"""
    runs: list[Run]
    """One per seed, by seed"""
    lost: list[Problem] = field(default_factory=list)
    """Its jobs without a result, as far as their overrides tell"""
    tasks: Collection[str] = ()
    """Keys that the sweep declares to say what is to be done, beside those that always do"""

    def is_task(self, key: str) -> bool:
        return is_task(key, self.tasks)

    @property
    def diverged(self) -> int:
        """How many of its seeds have no result because they diverged."""
        return sum(job.status == "diverged" for job in self.lost)

    @cached_property
    def task(self) -> str:
        """Data and corruption as they were run, whatever chose them: results of one task can be compared."""
        return str(sorted((key, as_option(value)) for key, value in self.runs[0].raw.items() if self.is_task(key)))

    @property
    def task_label(self) -> str:
        """`data=mnist5k, corruption=none`: what was varied of the task; where a preset chose it, all of it."""
        choices = self.runs[0].choices
        task = {key: value for key, value in self.values.items() if self.is_task(key)}
        return _label(task or {group: choices[group] for group in ("data", "corruption") if group in choices})

    @property
    def method_label(self) -> str:
        """`decoder=resize`: the label without the task; empty where nothing else was varied."""
        return _label({key: value for key, value in self.values.items() if not self.is_task(key)})

    @property
    def notes(self) -> list[str]:
        """What a mean hides, seeds lost and networks in trouble: `2 of 8 seeds diverged`, `1 of 6 seeds: dead units`"""
        jobs = len(self.runs) + len(self.lost)
        lost = Counter(job.status for job in self.lost)
        diagnosed = Counter(", ".join(run.health) for run in self.runs if run.health)
        return [f"{count} of {jobs} seeds {status}" for status, count in lost.items()] + [
            f"{count} of {len(self.runs)} seeds: {diagnostics}" for diagnostics, count in diagnosed.items()
        ]


def configurations(
    runs: Sequence[Run], lost: Sequence[Problem], keys: Sequence[str], tasks: Collection[str] = ()
) -> list[Configuration]:
    """The distinct values of the varied `keys`, in the order in which they ran, the seeds of each together."""
    together: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        together.setdefault(tuple(value_of(run, key) for key in keys), []).append(run)
    made = []
    for of_keys, seeds in together.items():
        values = {key: value for key, value in zip(keys, of_keys, strict=True) if value != ABSENT}
        label = _label(values or {group: value_of(seeds[0], group) for group in ("encoder", "decoder")})
        made.append(Configuration(label, values, sorted(seeds, key=lambda run: run.seed), tasks=tasks))
    by_overrides = {
        frozenset(_but_seed(run.overrides)): configuration for configuration in made for run in configuration.runs
    }
    for problem in lost:
        if (overrides := frozenset(_but_seed(problem.overrides))) in by_overrides:
            by_overrides[overrides].lost.append(problem)
    return made


def without_runs(lost: Sequence[Problem], known: Sequence[Configuration]) -> dict[tuple[str, ...], Counter[str]]:
    """What has no completed run at all, so that no table shows it, and what became of its jobs: (`decoder=carafe`,) ->
    8 diverged."""
    listed = {problem.id for configuration in known for problem in configuration.lost}
    statuses: dict[tuple[str, ...], Counter[str]] = {}
    for problem in lost:
        overrides = _but_seed(problem.overrides)
        if problem.id not in listed and overrides:
            statuses.setdefault(overrides, Counter())[problem.status] += 1
    return statuses


def _but_seed(overrides: Iterable[str]) -> tuple[str, ...]:
    return tuple(override for override in of_job(overrides) if not override.startswith("seed="))


def _label(values: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def fill_in(runs: Sequence[Run]) -> None:
    """Give runs the value of a key that their configuration leaves out because it changes nothing, where others of the
    same option have another: a sweep over both shows both."""
    for key, value in LATER.items():
        group = key.split(".")[0]
        having = {run.choices.get(group) for run in runs if key in run.config}
        for run in runs:
            if run.choices.get(group) in having:
                run.config.setdefault(key, value)


def varied(runs: Sequence[Run]) -> list[str]:
    """What was swept: groups (`decoder`) and dotted keys (`optimizer.lr`) whose values differ between the runs.

    What follows from a choice is left out (all runs of one `decoder` have one `decoder.up.kernel_size`), and so are
    keys that only interpolate another (`encoder.channels: ${channels}`), what only measures or watches, and the seed.
    Where whole nodes are there or not, as between versions of this package, one key stands for them.
    """
    groups = dict.fromkeys(group for run in runs for group in run.choices)
    keys = dict.fromkeys(key for run in runs for key in run.config if key != "seed" and is_treatment(run, key))
    written = [key for key in keys if not is_interpolated(runs, key)]
    written.sort(key=lambda key: "._" in key)  # `_target_` only where there is nothing else
    names = {*PRESETS, *groups, *written, *(key.split(".")[0] for key in written)}
    columns = {name: [value_of(run, name) for run in runs] for name in names}
    alike: dict[str, str] = {}  # where a key has its only value -> the first such key; any other key by itself
    for key in (*groups, *written):
        if not _follows(columns, key):
            there = [value != ABSENT for value in columns[key]]
            one_value = len({*columns[key]} - {ABSENT}) == 1
            alike.setdefault(str(there) if one_value else key, key)
    return list(alike.values())


def is_interpolated(runs: Sequence[Run], key: str) -> bool:
    """Is `key` the same interpolation wherever it is there?"""
    raw = {as_option(run.raw[key]) for run in runs if key in run.raw}
    return len(raw) == 1 and "${" in raw.pop()


def _follows(columns: dict[str, list[str]], key: str) -> bool:
    """Is `key` the same in all runs that agree in the choices that may set it: the presets', and its own group's?

    `columns`: its value in each run, and those of the choices.
    """
    choices = [*PRESETS, key.split(".")[0]]
    if key in choices:
        choices = choices[: choices.index(key)]
    chosen = zip(*(columns[choice] for choice in choices), strict=True) if choices else [()] * len(columns[key])
    values: dict[tuple[str, ...], str] = {}  # choices -> the value of `key`
    return all(values.setdefault(at, value) == value for at, value in zip(chosen, columns[key], strict=True))
