"""The paired comparison: each configuration against a reference, on the same seeds.

The same seed gives the same split, batch order and corruption, so the differences of pairs are what is analysed.
"""

import re
from typing import Any

import numpy as np
import pandas as pd

from hourglass.errors import ConfigError
from hourglass.report import runs, stats
from hourglass.report.measures import DECIBELS, check_metric, metric_direction, numbers
from hourglass.report.run import ABSENT
from hourglass.report.runs import Configuration, Sweep

NAN = float("nan")
ALPHA = 0.05
TASK = re.compile(r"data$|data\.source|corruption")


def is_task(key: str) -> bool:
    """Does a key say what is to be done, not how? Results of different tasks say nothing of each other."""
    return TASK.match(key) is not None


def paired(sweep: Sweep, reference: str | None = None, metric: str = "test/mse") -> pd.DataFrame:
    """Each configuration against a reference, on the same seeds.

    `reference` names values of varied keys: `decoder=resize`, or `decoder=resize,latent=dense`. A configuration is
    compared with the one that has these values and equals it in every *other* varied key: where encoders were swept
    too, `decoder=transpose` of each encoder is held against `decoder=resize` of the same encoder. Keys below a named
    one (`decoder.kernel_size`) belong to it. Without a reference it is the first configuration that ran. Across tasks,
    other data or corruption, nothing is compared unless the reference names one. Only seeds with the same images are
    paired.

    Columns: `label`; `reference`, the label of the other one; `pairs`, `seeds`; `differences`, a list; `difference`,
    their mean, configuration minus reference; `difference ±`, half the 95 % t interval; `reference mean`, over the same
    seeds; `relative`, difference over that, NaN for decibels; `p`, exact two-sided sign-flip; `p_holm`, adjusted over
    the rows of the same task; `smallest_p`, that this many pairs can give at all; `verdict`, in words. Raises
    ConfigError for a reference or a metric that is not there.
    """
    found = runs.configurations(sweep)
    columns = ["label", "reference", "pairs", "seeds", "differences", "difference"]
    columns += ["difference ±", "reference mean", "relative", "p"]
    if not found:
        return pd.DataFrame(columns=[*columns, "p_holm", "smallest_p", "verdict"])
    check_metric(metric, sweep.runs)
    named = reference_values(sweep, reference)
    rows, tasks = [], []
    for configuration in found:
        if has(configuration, named):
            continue
        other = _partner(configuration, found, named)
        pairs = _pairs(configuration, other, metric) if other else {}
        d = list(pairs.values())
        theirs = [numbers(run).get(metric, NAN) for run in other.runs if run.seed in pairs] if other else []
        base, mean = (float(np.mean(values)) if values else NAN for values in (theirs, d))
        relative = mean / base if base and not DECIBELS.search(metric) else NAN
        of_other = (other.label if other else "", len(d), list(pairs), d, mean, stats.t_interval(d), base, relative)
        rows.append(dict(zip(columns, (configuration.label, *of_other, stats.sign_flip_p(d)), strict=True)))
        tasks.append(str(sorted((key, value) for key, value in configuration.runs[0].raw.items() if is_task(key))))
    table = pd.DataFrame(rows, columns=columns)
    family = table["p"].groupby(tasks)
    table["p_holm"] = family.transform(lambda p: stats.holm(p.to_numpy()))
    table["smallest_p"] = [stats.smallest_p(n) for n in table["pairs"]]
    table["verdict"] = [
        verdict(row["pairs"], row["difference"], row["p_holm"], int(comparisons), metric)
        for row, comparisons in zip(table.to_dict("records"), family.transform("count"), strict=True)
    ]
    return table


def verdict(pairs: int, difference: float, p_holm: float, comparisons: int, metric: str) -> str:
    """What may be claimed. Nothing below 6 pairs, nor where not even the smallest p would survive the correction."""
    if pairs == 0:
        return "no pair: the reference has no run with these settings and seeds"
    if pairs < stats.LEAST_PAIRS:
        return "not enough seeds to claim"
    if np.isnan(p_holm):
        return "not finite: nothing to compare"
    if p_holm < ALPHA:
        return "better" if (difference < 0) == (metric_direction(metric) == "lower") else "worse"
    if stats.smallest_p(pairs) * comparisons >= ALPHA:
        return f"not enough seeds to claim among {comparisons} comparisons"
    return "no difference shown"


def reference_values(sweep: Sweep, reference: str | None) -> dict[str, str]:
    """The varied keys that a reference names, with their values."""
    found = runs.configurations(sweep)
    if reference is None:
        first = {key: found[0].values.get(key, ABSENT) for key in sweep.varied}
        how = {key: value for key, value in first.items() if not is_task(key)}
        return how or first
    parts = re.split(r",\s*(?=[\w./]+=)", reference.strip())  # not within channels=[16,32]
    named = dict(part.partition("=")[::2] for part in parts)
    for key, value in named.items():
        if value.replace(" ", "") not in {c.values[key] for c in found if key in c.values}:
            there = {key: dict.fromkeys(c.values[key] for c in found if key in c.values) for key in sweep.varied}
            swept = "; ".join(f"{key}={'|'.join(values)}" for key, values in there.items())
            raise ConfigError(f"reference={reference}: {key}={value} is not among what was swept: {swept or 'nothing'}")
    return {key: value.replace(" ", "") for key, value in named.items()}


def has(configuration: Configuration, named: dict[str, str]) -> bool:
    return all(configuration.values.get(key, ABSENT) == value for key, value in named.items())


def _partner(configuration: Configuration, found: list[Configuration], named: dict[str, str]) -> Configuration | None:
    """The configuration with the named values that equals this one in all else."""

    def rest(c: Configuration) -> dict[str, str]:
        below = tuple(f"{key}." for key in named)
        return {key: value for key, value in c.values.items() if key not in named and not key.startswith(below)}

    def task(c: Configuration) -> dict[str, Any]:
        """As it was run, whatever set it: a preset's data and corruption are no varied keys."""
        return {key: value for key, value in c.runs[0].raw.items() if is_task(key) and not any(map(is_task, named))}

    alike = [c for c in found if rest(c) == rest(configuration) and task(c) == task(configuration)]
    fitting = [c for c in alike if has(c, named)]
    if len(fitting) > 1:
        labels = " or ".join(f"reference={c.label.replace(', ', ',')}" for c in fitting)
        raise ConfigError(f"reference={','.join(f'{k}={v}' for k, v in named.items())} is ambiguous: say {labels}")
    return fitting[0] if fitting else None


def _pairs(configuration: Configuration, other: Configuration, metric: str) -> dict[int, float]:
    """Seed -> difference of the metric, configuration minus other."""
    theirs = {(run.seed, run.data.get("fingerprint")): run for run in other.runs}
    mine = {run.seed: (run, theirs.get((run.seed, run.data.get("fingerprint")))) for run in configuration.runs}
    return {seed: numbers(a).get(metric, NAN) - numbers(b).get(metric, NAN) for seed, (a, b) in mine.items() if b}
