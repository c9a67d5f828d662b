"""The tuning behind a sweep: the runs that only served to choose values, which are pooled with no others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hourglass.config.identity import LATER
from hourglass.core.text import as_option
from hourglass.report.reading.configurations import is_treatment
from hourglass.report.reading.run import Problem, Run, value_of
from hourglass.runs.read import of_job


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
        newest: dict[frozenset[tuple[str, str]], tuple[int, tuple[str, ...]]] = {}
        for run in reported:
            configuration, now = self.configured(run), (last.get(run.id, -1), self.point(run))
            newest[configuration] = max(newest.get(configuration, now), now)
        return [run for run in reported if self.point(run) != newest[self.configured(run)][1]]

    def configured(self, run: Run) -> frozenset[tuple[str, str]]:
        """What is trained, as it is written, whatever its seed and what is tuned of it: which command, with which
        options of its own, had it trained is not in it."""
        kept = (key for key in run.raw if is_treatment(run, key) and key not in ("seed", *self.keys))
        return frozenset((key, as_option(run.raw[key])) for key in kept)

    def unreported(self, reported: Iterable[Sequence[str]]) -> list[Problem]:
        """Its jobs without a result of configurations that no reported job is of, each given by its overrides: those
        that diverged with every value, and those that are not tuned yet. They are named without what is tuned."""
        known = {frozenset(self.untuned(overrides)) for overrides in reported}
        named = [replace(problem, overrides=self.untuned(problem.overrides)) for problem in self.lost]
        return [problem for problem in named if frozenset(problem.overrides) not in known]

    def untuned(self, overrides: Sequence[str]) -> list[str]:
        """Those of a configuration, whatever its seed and what is tuned of it, and whatever command had it trained."""
        changes_nothing = {f"{key}={as_option(value)}" for key, value in LATER.items()}
        kept = (override for override in of_job(overrides) if override not in changes_nothing)
        return [override for override in kept if override.partition("=")[0] not in ("seed", *self.keys)]
