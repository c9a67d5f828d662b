"""The tuning behind a sweep: the runs that only served to choose values, which are pooled with no others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hourglass.report.reading.run import Problem, Run, value_of
from hourglass.runs.read import TUNING


@dataclass
class Tuning:
    keys: list[str] = field(default_factory=list)
    """What was tuned; empty where nothing was, or where `sweep.json` does not tell"""
    metric: str = "val/mse"
    """By what"""
    seeds: list[int] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    lost: list[Problem] = field(default_factory=list)
    """Its jobs without a result, those that diverged too"""

    @classmethod
    def of(cls, info: dict[str, Any]) -> "Tuning":
        """As the last tuned command of a `sweep.json` says."""
        told = [one["tuning"] for one in info.get("invocations", []) if "tuning" in one]
        return cls(told[-1]["keys"], told[-1]["metric"] or "val/mse", told[-1]["seeds"]) if told else cls()

    def point(self, run: Run) -> tuple[str, ...]:
        """The values of what was tuned, as one types them."""
        return tuple(value_of(run, key) for key in self.keys)

    def superseded(self, reported: Sequence[Run], info: dict[str, Any]) -> list[Run]:
        """Those that were reported with another value than the last command of `sweep.json` has chosen for them."""
        last = {job: n for n, one in enumerate(info.get("invocations", [])) for job in one.get("jobs", [])}
        newest: dict[frozenset[str], tuple[int, tuple[str, ...]]] = {}
        for run in reported:
            configuration, now = frozenset(self.untuned(run.overrides)), (last.get(run.id, -1), self.point(run))
            newest[configuration] = max(newest.get(configuration, now), now)
        return [run for run in reported if self.point(run) != newest[frozenset(self.untuned(run.overrides))][1]]

    def unreported(self, reported: Iterable[Sequence[str]]) -> list[Problem]:
        """Its jobs without a result of configurations that no reported job is of, each given by its overrides: those
        that diverged with every value, and those that are not tuned yet. They are named without what is tuned."""
        known = {frozenset(self.untuned(overrides)) for overrides in reported}
        named = [replace(problem, overrides=self.untuned(problem.overrides)) for problem in self.lost]
        return [problem for problem in named if frozenset(problem.overrides) not in known]

    def untuned(self, overrides: Sequence[str]) -> list[str]:
        """Those of a configuration, whatever its seed and what is tuned of it."""
        keys = ("seed", TUNING.partition("=")[0], *self.keys)
        return [override for override in overrides if override.partition("=")[0] not in keys]
