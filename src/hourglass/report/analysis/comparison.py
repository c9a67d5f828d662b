"""The paired comparison: each configuration against a reference, on the same seeds.

The same seed gives the same split, batch order and corruption, so the differences of pairs are what is analysed.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hourglass.core.errors import ConfigError
from hourglass.report.analysis import stats
from hourglass.report.analysis.measures import check_metric, instead, measure, metric_direction, numbers
from hourglass.report.reading.configurations import Configuration, is_task
from hourglass.report.reading.run import ABSENT
from hourglass.report.reading.runs import Sweep

NAN = float("nan")
ALPHA = 0.05
NOT_ENOUGH = "not enough seeds"
"""How every verdict begins that more seeds could change"""


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
    the rows of the same task, or over all where the reference names a task; `smallest_p`, that this many pairs can
    give at all; `verdict`, in words. Raises ConfigError for a reference or a metric that is not there.
    """
    found = sweep.configurations
    columns = ["label", "reference", "pairs", "seeds", "differences", "difference"]
    columns += ["difference ±", "reference mean", "relative", "p"]
    if not found:
        return pd.DataFrame(columns=[*columns, "p_holm", "smallest_p", "verdict"])
    check_metric(metric, sweep.runs)
    named = reference_values(sweep, reference)
    across = names_a_task(named)
    holders: dict[tuple, list[Configuration]] = {}  # what a configuration must equal its reference in -> references
    for configuration in found:
        if has(configuration, named):
            holders.setdefault(_all_else(configuration, named, across), []).append(configuration)
    rows, families = [], []
    for configuration in found:
        if has(configuration, named):
            continue
        other = _only(holders.get(_all_else(configuration, named, across), []), named)
        pairs = _pairs(configuration, other, metric) if other else {}
        d = list(pairs.values())
        theirs = [numbers(run).get(metric, NAN) for run in other.runs if run.seed in pairs] if other else []
        base, mean = (float(np.mean(values)) if values else NAN for values in (theirs, d))
        relative = mean / base if base and not measure(metric)[0].decibels else NAN
        of_other = (other.label if other else "", len(d), list(pairs), d, mean, stats.t_interval(d), base, relative)
        rows.append(dict(zip(columns, (configuration.label, *of_other, stats.sign_flip_p(d)), strict=True)))
        families.append("" if across else configuration.task)
    table = pd.DataFrame(rows, columns=columns)
    family = table["p"].groupby(families)
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
    if np.isnan(difference):
        return "not finite: nothing to compare"
    if pairs < stats.LEAST_PAIRS:
        return f"{NOT_ENOUGH} to claim"
    if p_holm < ALPHA:
        return "better" if (difference < 0) == (metric_direction(metric) == "lower") else "worse"
    if stats.smallest_p(pairs) * comparisons >= ALPHA:
        return f"{NOT_ENOUGH} ({comparisons} comparisons)"
    return "no difference shown"


def reference_values(sweep: Sweep, reference: str | None) -> dict[str, str]:
    """The varied keys that a reference names, with their values; without one those of the first configuration that ran,
    but for the task. Nothing where tasks alone were varied. Raises ConfigError for what was not swept."""
    found = sweep.configurations
    if reference is None:
        return {key: found[0].values.get(key, ABSENT) for key in sweep.varied if not is_task(key)}
    parts = re.split(r",\s*(?=[\w./]+=)", reference.strip())  # not within channels=[16,32]
    named = dict(part.partition("=")[::2] for part in parts)
    swept = dict.fromkeys(f"{key}={c.values[key]}" for key in sweep.varied for c in found if key in c.values)
    for part in parts:
        if part.replace(" ", "") not in swept:
            raise ConfigError(f"reference={reference}: {part} is not among what was swept{instead(part, swept)}")
    return {key: value.replace(" ", "") for key, value in named.items()}


def names_a_task(named: dict[str, str]) -> bool:
    """Does a reference ask for a comparison across tasks?"""
    return any(map(is_task, named))


def has(configuration: Configuration, named: dict[str, str]) -> bool:
    return all(configuration.values.get(key, ABSENT) == value for key, value in named.items())


def _all_else(configuration: Configuration, named: dict[str, str], across: bool) -> tuple:
    """What two configurations that differ in the named keys alone agree in."""
    below = tuple(f"{key}." for key in named)
    rest = {k: value for k, value in configuration.values.items() if k not in named and not k.startswith(below)}
    return (frozenset(rest.items()), "" if across else configuration.task)


def _only(references: Sequence[Configuration], named: dict[str, str]) -> Configuration | None:
    if len(references) > 1:
        labels = " or ".join(f"reference={c.label.replace(', ', ',')}" for c in references)
        raise ConfigError(f"reference={','.join(f'{k}={v}' for k, v in named.items())} is ambiguous: say {labels}")
    return references[0] if references else None


def _pairs(configuration: Configuration, other: Configuration, metric: str) -> dict[int, float]:
    """Seed -> difference of the metric, configuration minus other."""
    theirs = {(run.seed, run.data.get("fingerprint")): run for run in other.runs}
    mine = {run.seed: (run, theirs.get((run.seed, run.data.get("fingerprint")))) for run in configuration.runs}
    return {seed: numbers(a).get(metric, NAN) - numbers(b).get(metric, NAN) for seed, (a, b) in mine.items() if b}
