"""The jobs of a sweep by what sets each apart."""

from collections.abc import Iterable, Mapping
from typing import Any

OF_THE_COMMAND = ("sweep=", "retry=", "trial=", "hydra", "search=")
"""Overrides that say nothing of a job."""


def names_of(jobs: Mapping[str, Any], listed: Iterable[str]) -> dict[str, str]:
    """The `listed` of the jobs of a `sweep.json`, each by the overrides that set it apart from the others."""
    overrides = {identity: jobs[identity]["overrides"] for identity in listed}
    common = set.intersection(*map(set, overrides.values())) if len(overrides) > 1 else set()
    return {identity: as_line([o for o in job if o not in common]) or "-" for identity, job in overrides.items()}


def as_line(overrides: Iterable[str]) -> str:
    return " ".join(override for override in overrides if not override.startswith(OF_THE_COMMAND))
