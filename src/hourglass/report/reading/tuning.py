"""The tuning behind a sweep: the runs that only served to choose values, which are pooled with no others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hourglass.report.reading.run import Problem, Run, value_of


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
            configuration, now = self._untuned(run), (last.get(run.id, -1), self.point(run))
            newest[configuration] = max(newest.get(configuration, now), now)
        return [run for run in reported if self.point(run) != newest[self._untuned(run)][1]]

    def _untuned(self, run: Run) -> frozenset[str]:
        """The overrides of a configuration, whatever its seed and what is tuned of it."""
        keys = ("seed", *self.keys)
        return frozenset(override for override in run.overrides if override.split("=")[0] not in keys)
