"""What was trained, apart from the seed: which keys were varied, and the configurations that they make."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hourglass.report.reading.run import ABSENT, Problem, Run, shown, value_of

PRESETS = ("experiment", "model")
"""Groups whose options choose among the other groups."""
TASK = re.compile(r"(data|corruption)$|data\.(source|image_shape)|corruption\.")


def is_task(key: str) -> bool:
    """Does a key say what is to be done, not how? Results of different tasks say nothing of each other."""
    return TASK.match(key) is not None


@dataclass
class Configuration:
    label: str
    values: dict[str, str]
    """Varied key -> value as one types it, without the keys that this configuration does not have"""
    runs: list[Run]
    """One a seed, by seed"""
    lost: list[Problem] = field(default_factory=list)
    """Its jobs without a result, as far as their overrides tell"""

    @cached_property
    def task(self) -> str:
        """Data and corruption as they were run, whatever chose them: results of one task can be compared."""
        return str(sorted((key, shown(value)) for key, value in self.runs[0].raw.items() if is_task(key)))

    @property
    def task_label(self) -> str:
        """`data=mnist5k, corruption=none`: what was varied of the task; where a preset chose it, all of it."""
        varied = _joined({key: value for key, value in self.values.items() if is_task(key)})
        choices = self.runs[0].choices
        return varied or _joined({group: choices[group] for group in ("data", "corruption") if group in choices})

    @property
    def method_label(self) -> str:
        """`decoder=resize`: the label without the task; empty where nothing else was varied."""
        return _joined({key: value for key, value in self.values.items() if not is_task(key)})

    @property
    def notes(self) -> list[str]:
        """Lost and ill seeds, which a mean hides: `2 of 8 seeds diverged`, `1 of 6 seeds: constant output`."""
        jobs = len(self.runs) + len(self.lost)
        found = [f"{count} of {jobs} seeds {what}" for what, count in Counter(job.status for job in self.lost).items()]
        ill = Counter(", ".join(run.health) for run in self.runs if run.health)
        return found + [f"{count} of {len(self.runs)} seeds: {what}" for what, count in ill.items()]


def configurations(runs: Sequence[Run], lost: Sequence[Problem], keys: Sequence[str]) -> list[Configuration]:
    """The distinct values of the varied `keys`, in the order in which they ran, the seeds of each together."""
    together: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        together.setdefault(tuple(value_of(run, key) for key in keys), []).append(run)
    found = []
    for of_keys, those in together.items():
        values = {key: value for key, value in zip(keys, of_keys, strict=True) if value != ABSENT}
        unvaried = {group: value_of(those[0], group) for group in ("encoder", "decoder")}
        label = _joined(values) or _joined(unvaried)
        found.append(Configuration(label, values, sorted(those, key=lambda run: run.seed)))
    by_overrides = {_but_seed(run.overrides): configuration for configuration in found for run in configuration.runs}
    for problem in lost:
        if (key := _but_seed(problem.overrides)) in by_overrides:
            by_overrides[key].lost.append(problem)
    return found


def fruitless(lost: Sequence[Problem], found: Sequence[Configuration]) -> list[str]:
    """What has no run at all, so that no table shows it: `decoder=carafe came to a result (8 diverged)`."""
    told = {problem.id for configuration in found for problem in configuration.lost}
    untold: dict[tuple[str, ...], Counter[str]] = {}
    for problem in lost:
        how = tuple(one for one in problem.overrides if not one.startswith("seed="))
        if problem.id not in told and how:
            untold.setdefault(how, Counter())[problem.status] += 1
    return [
        f"{', '.join(how)} came to a result ({', '.join(f'{count} {status}' for status, count in statuses.items())})"
        for how, statuses in untold.items()
    ]


def _but_seed(overrides: Sequence[str]) -> frozenset[str]:
    return frozenset(one for one in overrides if not one.startswith("seed="))


def _joined(values: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def varied(runs: Sequence[Run]) -> list[str]:
    """What was swept: groups (`decoder`) and dotted keys (`optimizer.lr`) whose values differ between the runs.

    What follows from a choice is left out (all runs of one `decoder` have one `decoder.up.kernel_size`), and so are
    keys that only interpolate another (`encoder.channels: ${channels}`), and the seed. Where whole nodes are there or
    not, as between versions of this package, one key stands for them.
    """
    groups = dict.fromkeys(group for run in runs for group in run.choices)
    keys = dict.fromkeys(key for run in runs for key in run.config if key != "seed")
    written = [key for key in keys if not _is_interpolated(runs, key)]
    written.sort(key=lambda key: "._" in key)  # `_target_` only where there is nothing else
    found = [key for key in (*groups, *written) if not _follows(runs, key)]
    alike: dict[str, str] = {}
    for key in found:
        values = [value_of(run, key) for run in runs]
        only_there = len({*values} - {ABSENT}) == 1
        alike.setdefault(str([value == ABSENT for value in values]) if only_there else key, key)
    return list(alike.values())


def _is_interpolated(runs: Sequence[Run], key: str) -> bool:
    """Is `key` the same interpolation wherever it is there?"""
    raw = {shown(run.raw[key]) for run in runs if key in run.raw}
    return len(raw) == 1 and "${" in raw.pop()


def _follows(runs: Sequence[Run], key: str) -> bool:
    """Is `key` the same in all runs that agree in the choices that may set it: the presets', and its own group's?"""
    choices = [*PRESETS, key.split(".")[0]]
    if key in choices:
        choices = choices[: choices.index(key)]
    levels: dict[tuple[str, ...], str] = {}
    return all(
        levels.setdefault(tuple(value_of(run, choice) for choice in choices), value_of(run, key)) == value_of(run, key)
        for run in runs
    )
