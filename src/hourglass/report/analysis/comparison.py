"""The paired comparison: each configuration against a reference, on the same seeds.

The same seed gives the same split, batch order and corruption, so the differences of pairs are what is analysed.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hourglass.core.errors import ConfigError
from hourglass.report.analysis import stats
from hourglass.report.analysis.measures import Direction, Measures, instead, numbers
from hourglass.report.reading.configurations import Configuration, is_task
from hourglass.report.reading.run import ABSENT, Run
from hourglass.report.reading.runs import Sweep

NAN = float("nan")
ALPHA = 0.05
COLUMNS = [
    "label", "reference", "pairs", "seeds", "differences", "difference", "difference ±", "reference mean", "relative",
    "p", "p_holm", "smallest_p", "verdict",
]  # fmt: skip
NO_PAIR, NOT_FINITE, NOT_ENOUGH, NO_DIFFERENCE = "no pair", "not finite", "not enough seeds", "no difference"
"""How the verdicts begin that are not just `better` or `worse`; more seeds could change the third."""


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
    if not sweep.configurations:
        return pd.DataFrame(columns=COLUMNS)
    measures = Measures.of(sweep)
    measures.check(metric, sweep.runs)
    named = reference_values(sweep, reference)
    across = names_a_task(named)
    references: dict[tuple, list[Configuration]] = {}  # by what a configuration must equal its reference in
    for configuration in sweep.configurations:
        if _has(configuration, named):
            references.setdefault(_all_else(configuration, named, across), []).append(configuration)
    rows, families = [], []
    for configuration in sweep.configurations:
        if not _has(configuration, named):
            other = _only(references.get(_all_else(configuration, named, across), []), named)
            rows.append({"label": configuration.label} | _compared(configuration, other, metric, measures))
            families.append("" if across else configuration.task)
    table = pd.DataFrame(rows, columns=COLUMNS)
    family, direction = table["p"].groupby(families), measures.direction(metric)
    table["p_holm"] = family.transform(lambda p: stats.holm(p.to_numpy()))
    table["smallest_p"] = [stats.smallest_p(n) for n in table["pairs"]]
    table["verdict"] = [
        verdict(row["pairs"], row["difference"], row["p_holm"], int(comparisons), direction)
        for row, comparisons in zip(table.to_dict("records"), family.transform("count"), strict=True)
    ]
    return table


def _compared(
    configuration: Configuration, other: Configuration | None, metric: str, measures: Measures
) -> dict[str, object]:
    """The columns that one comparison fills by itself."""
    partners = {_pair_key(run): run for run in other.runs} if other else {}
    values: dict[int, tuple[float, float]] = {}  # seed -> of the configuration, of the reference
    for run in configuration.runs:
        if partner := partners.get(_pair_key(run)):
            values[run.seed] = numbers(run).get(metric, NAN), numbers(partner).get(metric, NAN)
    differences = [mine - theirs for mine, theirs in values.values()]
    mean = float(np.mean(differences)) if values else NAN
    base = float(np.mean([theirs for _, theirs in values.values()])) if values else NAN
    return {
        "reference": other.label if other else "",
        "pairs": len(values),
        "seeds": list(values),
        "differences": differences,
        "difference": mean,
        "difference ±": stats.t_interval(differences),
        "reference mean": base,
        "relative": mean / base if base and measures.measure(metric)[0].unit != "dB" else NAN,
        "p": stats.sign_flip_p(differences),
    }


def _pair_key(run: Run) -> tuple[int, object]:
    return run.seed, run.data.get("fingerprint")


def verdict(pairs: int, difference: float, p_holm: float, comparisons: int, direction: Direction | None) -> str:
    """What may be claimed. Nothing below 6 pairs, nor where not even the smallest p would survive the correction."""
    if pairs == 0:
        return f"{NO_PAIR}: the reference has no run with these settings and seeds"
    if np.isnan(difference):
        return f"{NOT_FINITE}: nothing to compare"
    if pairs < stats.LEAST_PAIRS:
        return f"{NOT_ENOUGH} to claim"
    if p_holm < ALPHA:
        return "better" if (difference < 0) == (direction == "lower") else "worse"
    if stats.smallest_p(pairs) * comparisons >= ALPHA:
        return f"{NOT_ENOUGH} ({comparisons} comparisons)"
    return f"{NO_DIFFERENCE} shown"


def reference_values(sweep: Sweep, reference: str | None) -> dict[str, str]:
    """The varied keys that a reference names, with their values; without one those of the first configuration that ran,
    but for the task. Nothing where tasks alone were varied. Raises ConfigError for what was not swept."""
    configurations = sweep.configurations
    if reference is None:
        return {key: configurations[0].values.get(key, ABSENT) for key in sweep.varied if not is_task(key)}
    parts = re.split(r",\s*(?=[\w./]+=)", reference.strip())  # not within channels=[16,32]
    swept = dict.fromkeys(f"{key}={c.values[key]}" for key in sweep.varied for c in configurations if key in c.values)
    for part in parts:
        if part.replace(" ", "") not in swept:
            raise ConfigError(f"reference={reference}: {part} is not among what was swept{instead(part, swept)}")
    return {key: value for key, _, value in (part.replace(" ", "").partition("=") for part in parts)}


def names_a_task(named: dict[str, str]) -> bool:
    """Does a reference ask for a comparison across tasks?"""
    return any(map(is_task, named))


def _has(configuration: Configuration, named: dict[str, str]) -> bool:
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
