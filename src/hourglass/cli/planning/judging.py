"""What a sweep declares, held against its jobs before the first of them runs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from hourglass.cli.planning.measured import measures, not_measured
from hourglass.config.compose import GROUPS, dotted_keys, no_key
from hourglass.config.configuration import Configuration, Node
from hourglass.core import provenance
from hourglass.core.compat.hydra import jobs_of_sweep, values_of_sweep
from hourglass.core.errors import ConfigError, Torn
from hourglass.report.analysis.sign_flip import too_few_seeds
from hourglass.runs.read import is_tuning, read_sweep, summary_of
from hourglass.sweeps.declaration import Declared, declared, parts_of, refuse_unswept, tasks_in

Composed = Callable[[Sequence[str]], Configuration]
"""The configuration of the job of these overrides"""


def judged_by(config: DictConfig, folder: Path, composed: Composed) -> tuple[Declared, str]:
    """What a sweep declares, which none of its jobs contradicts, and a sentence where it can show nothing by it."""
    given = declared(config)
    if "fixed" in given and provenance.lacks(given["fixed"]):
        raise ConfigError(
            f"fixed={given['fixed']}: there is no such commit here; git log shows those there are, and with fixed=null "
            "the sweep is exploratory"
        )
    everything = _Everything(config, composed)
    if "primary" in given and not any(measures(plain, given["primary"]) for plain in everything.plain()):
        raise ConfigError(f"primary={given['primary']}: {not_measured(everything.plain(), given['primary'])}")
    for task in tasks_in(given):
        everything.refuse_unknown(task, f"tasks={given['tasks']}")
    if "reference" not in given:
        return given, ""
    for key, _ in parts_of(given["reference"]):
        everything.refuse_unknown(key, f"reference={given['reference']}")
    earlier = list(_earlier_jobs(folder).values())
    refuse_unswept(given, jobs_of_sweep(config), earlier)
    before = {one.partition("=")[2] for job in earlier if not is_tuning(job) for one in job if one.startswith("seed=")}
    seeds = max(1, len(before.union(values_of_sweep(config, "seed"))))
    return given, too_few_seeds(jobs_of_sweep(config, without=("seed",)), seeds, given["reference"])


@dataclass(frozen=True)
class _Everything:
    """What the jobs of a sweep have among them: what all share first, and the others only where that does not tell."""

    config: DictConfig
    composed: Composed

    def plain(self) -> Iterator[Node]:
        yield Configuration.of(self.config).plain
        for job in jobs_of_sweep(self.config, without=("seed",)):
            yield self.composed(job).plain

    def refuse_unknown(self, key: str, where: str) -> None:
        """Raise ConfigError for a key that none of them has."""
        known = {one.partition("=")[0] for job in jobs_of_sweep(self.config) for one in job} | {*GROUPS}
        for plain in self.plain():
            known.update(dotted_keys(plain))
            if key in known:
                return
        raise ConfigError(f"{where}: {no_key(key, sorted(known))}")


def refuse_shared_seeds(folder: Path, tuned: Iterable[str], reported: Iterable[str]) -> None:
    """Raise ConfigError for a seed that this command tunes on or reports, where an earlier one of the sweep in this
    folder did the other: what is chosen by a seed says nothing new on it."""
    earlier = [(is_tuning(job), _seed_of(folder / identity, job)) for identity, job in _earlier_jobs(folder).items()]
    for own, theirs, what, cure in (
        (reported, True, "was tuned on by an earlier command of this sweep, and cannot be reported", "seeds"),
        (tuned, False, "is reported by an earlier command of this sweep, and cannot be tuned on", "tuning.seeds"),
    ):
        if shared := {seed for tuning, seed in earlier if tuning == theirs}.intersection(own):
            first = min(shared, key=lambda seed: (len(seed), seed))
            raise ConfigError(f"seed {first} {what}: give other {cure}, or the sweep another name, sweep=NAME")


def _seed_of(folder: Path, overrides: Sequence[str]) -> str:
    """Of an earlier job, as it was given, or as it was configured if it has begun."""
    given = [override.partition("=")[2] for override in overrides if override.startswith("seed=")]
    return given[-1] if given else str(summary_of(folder).get("seed"))


def _earlier_jobs(folder: Path) -> dict[str, list[str]]:
    """Those that are planned in it, id -> overrides; none where `sweep.json` is torn, and will be made anew."""
    try:
        return {identity: job["overrides"] for identity, job in read_sweep(folder)["jobs"].items()}
    except Torn:
        return {}
