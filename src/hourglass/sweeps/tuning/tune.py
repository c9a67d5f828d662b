"""Tuning itself: rounds of jobs until the grid holds the best of every configuration, then the reported jobs."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hourglass.core.errors import ConfigError
from hourglass.core.measures import MEASURES, unnumbered
from hourglass.core.text import counted, number
from hourglass.runs.read import names_of, summary_of
from hourglass.runs.status import status_of
from hourglass.sweeps import progress
from hourglass.sweeps.tuning.grid import Axis, Point, Side, as_overrides, best, points
from hourglass.sweeps.tuning.plan import Tuning

Launch = Callable[[list[list[str]], dict[str, Any]], Sequence[Path]]
"""From the overrides of some jobs, and what `sweep.json` is to say of the tuning, to their run folders, once they have
ended."""
Refusal = Callable[[list[str], str], str]
"""Why a configuration, given by overrides, is refused for its value of a key; empty where it is not"""
SIDES: tuple[Side, ...] = ("lower", "higher")


@dataclass
class Tuned:
    """How far a configuration is tuned."""

    name: str
    runs: dict[Point, list[Path]] = field(default_factory=dict)
    """Of the tuning seeds"""

    @property
    def statuses(self) -> list[str]:
        return [status_of(folder) for folders in self.runs.values() for folder in folders]

    def best(self, metric: str) -> Point | None:
        """None where a run has neither a result nor diverged, or where none has a finite one."""
        if set(self.statuses) - {"completed", "diverged"}:
            return None
        return best({point: [score(folder, metric) for folder in of_it] for point, of_it in self.runs.items()})


def tune(tuning: Tuning, launch: Launch, refusal: Refusal) -> Iterator[str]:
    """Run the jobs of a tuned sweep; yields what there is to tell.

    The grid is extended as long as the best of any configuration lies at its edge, by one value a round and
    `extensions` on each side, for all configurations alike, unless one of them refuses that value. Which rounds there
    are depends on the results alone, so the same command goes on where it was stopped. Where tuning jobs are
    unfinished, in the hands of another process, no value is chosen.
    """
    overrides = {str(i): {"overrides": of_it} for i, of_it in enumerate(tuning.configurations)}
    tuned = [Tuned(name) for name in names_of(overrides, overrides).values()]
    left = {(axis.key, side): tuning.settings.extensions for axis in tuning.axes for side in SIDES}
    ends = set[tuple[str, Side]]()  # beyond which there is no value
    while True:
        new = [(i, point) for i, one in enumerate(tuned) for point in points(tuning.axes) if point not in one.runs]
        jobs = [job for i, point in new for job in tuning.tuning_jobs(i, point)]
        folders = iter(launch(jobs, about(tuning)))
        for i, point in new:
            tuned[i].runs[point] = [next(folders) for _ in tuning.settings.seeds]
        statuses = [status for one in tuned for status in one.statuses]
        if open_ones := [status for status in statuses if status in progress.UNFINISHED]:
            yield f"tuning is not done ({progress.counted(open_ones)}): the same command goes on"
            return
        metric = metric_of([f for one in tuned for of_it in one.runs.values() for f in of_it], tuning.settings.metric)
        chosen = [one.best(metric) for one in tuned]
        edges = dict.fromkeys(edge for point in chosen if point for edge in at_edges(tuning.axes, point))
        longer: dict[str, Axis] = {}
        for key, side in edges:
            axis = longer.get(key, _axis(tuning, key))
            more = axis.extended(side)
            if more == axis or not left[key, side]:
                continue
            left[key, side] -= 1
            at_edge = f"the best {key} is at the {side} edge of the grid"
            if why := _refused(tuning, key, more.end(side), refusal):
                left[key, side] = 0
                ends.add((key, side))
                yield f"{at_edge}, which ends there: {why}"
            else:
                longer[key] = more
                yield f"{at_edge}: {number(more.end(side))} is tried too"
        if not longer:
            break
        tuning = replace(tuning, axes=[longer.get(axis.key, axis) for axis in tuning.axes])
    yield from (told(tuning, one, point, metric, ends) for one, point in zip(tuned, chosen, strict=True))
    jobs = [job for i, point in enumerate(chosen) if point for job in tuning.reported_jobs(i, point)]
    if jobs:
        launch(jobs, about(tuning) | {"metric": metric})


def _axis(tuning: Tuning, key: str) -> Axis:
    return next(axis for axis in tuning.axes if axis.key == key)


def _refused(tuning: Tuning, key: str, value: float, refusal: Refusal) -> str:
    """Why the first configuration that does not take a value refuses it; empty where all do."""
    with_it = ([*one, *as_overrides([key], (value,))] for one in tuning.configurations)
    return next(filter(None, (refusal(job, key) for job in with_it)), "")


def at_edges(axes: Sequence[Axis], point: Point) -> list[tuple[str, Side]]:
    """The keys whose value lies at an end of its axis, and at which."""
    sides = ((axis.key, axis.edge(value)) for axis, value in zip(axes, point, strict=True))
    return [(key, side) for key, side in sides if side]


def about(tuning: Tuning) -> dict[str, Any]:
    """What `sweep.json` says of the tuning that a command asks for."""
    return {"keys": tuning.keys, "seeds": tuning.settings.seeds, "metric": tuning.settings.metric}


def told(tuning: Tuning, one: Tuned, point: Point | None, metric: str, ends: Collection[tuple[str, Side]]) -> str:
    """`decoder=resize: optimizer.lr=0.005, val/mse 0.00572 over 3 seeds`, or why nothing was chosen."""
    if point is None:
        lost = [status for status in one.statuses if status not in ("completed", "diverged")]
        why = f"of its tuning jobs {progress.counted(lost)}" if lost else "it diverged with every value"
        return f"{one.name} is not tuned, and not reported: {why}"
    values = [sign(metric, folder) * score(folder, metric) for folder in one.runs[point]]
    mean, seeds = number(math.fsum(values) / len(values)), counted(len(values), "seed")
    edges = [f"; a {side} {key} may be better" for key, side in at_edges(tuning.axes, point) if (key, side) not in ends]
    return f"{one.name}: {' '.join(as_overrides(tuning.keys, point))}, {metric} {mean} over {seeds}{''.join(edges)}"


def metric_of(folders: Sequence[Path], configured: str | None) -> str:
    """What is tuned by; raises ConfigError where a run has not logged it, or where no end of it is the better one."""
    logged = [set(summary_of(folder)["metrics"]) for folder in folders if status_of(folder) == "completed"]
    common = set.intersection(*logged) if logged else set()
    metric = configured or ("val/mse" if "val/mse" in common or not logged else "val/loss")
    if logged and metric not in common:
        there = ", ".join(sorted(name for name in common if name.startswith("val/")))
        raise ConfigError(f"tuning.metric={metric} was not logged: there are {there}")
    return metric


def score(folder: Path, metric: str) -> float:
    """Of a tuning run: low is good, infinity where it diverged."""
    if status_of(folder) == "diverged":
        return math.inf
    value = summary_of(folder)["metrics"][metric]
    return math.inf if value is None else sign(metric, folder) * value


def sign(metric: str, folder: Path) -> int:
    """1 where low values of a metric are the better ones, -1 where high ones are; raises ConfigError for neither."""
    name = metric.split("/", 1)[1]
    known = MEASURES.get(unnumbered(name))
    better = known.better if known else summary_of(folder).get("measures", {}).get(name, {}).get("better")
    if better not in ("lower", "higher"):
        raise ConfigError(f"tuning.metric={metric}: no value of it is better than another, tune by val/mse")
    return 1 if better == "lower" else -1
