"""The paired comparison: each configuration against a reference, on the same seeds.

The same seed gives the same split, batch order and corruption, so the differences of pairs are what is analysed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hourglass.core.errors import ConfigError
from hourglass.core.text import number, percent
from hourglass.report.analysis import sign_flip, stats
from hourglass.report.analysis.measures import Direction, Measures, instead, numbers
from hourglass.report.analysis.verdicts import NOT_ENOUGH, NOT_SHOWN, needed, verdict, withheld
from hourglass.report.reading.configurations import Configuration, is_task
from hourglass.report.reading.run import ABSENT, Run
from hourglass.report.reading.runs import Sweep
from hourglass.sweeps.declaration import DECIBELS, Margin, margin_of, parts_of

NAN = float("nan")
Row = dict[str, Any]
"""Of the table of comparisons, by its columns"""
COLUMNS = [
    "label", "reference", "pairs", "seeds", "diverged", "reference diverged", "differences", "difference",
    "difference ±", "reference mean", "relative", "r", "p", "p_holm", "smallest_p", "margin", "p_equivalent",
    "p_equivalent_holm", "needed", "verdict",
]  # fmt: skip
UNRELATED = 0.2
"""The r of pairs below which pairing did nothing."""


def paired(
    sweep: Sweep, reference: str | None = None, metric: str = "test/mse", equivalent_within: str | None = None
) -> pd.DataFrame:
    """Each configuration against a reference, on the same seeds.

    `reference` names values of varied keys: `decoder=resize`, or `decoder=resize,latent=dense`. A configuration is
    compared with the one that has these values and equals it in every *other* varied key: where encoders were swept
    too, `decoder=transpose` of each encoder is held against `decoder=resize` of the same encoder. Keys below a named
    one (`decoder.kernel_size`) belong to it; where they leave several, `latent.dim=8` of one latent is held against
    `latent.dim=8` of the other. Without a reference it is the first configuration that ran. Across tasks, other data or
    corruption, nothing is compared unless the reference names one. Only seeds with the same images are
    paired. `equivalent_within` is the margin inside which differences count as none: `5 %` of the mean of the
    reference, or `0.1 dB`.

    Columns: `label`; `reference`, the label of the other one; `pairs`, `seeds`; `diverged` and `reference diverged`,
    how many seeds of the one and the other have no result for that; `differences`, a list; `difference`,
    their mean, configuration minus reference; `difference ±`, half the 95 % t interval; `reference mean`, over the same
    seeds; `relative`, difference over that, NaN for decibels; `r`, the correlation of the pairs; `p`, exact two-sided
    sign-flip; `p_holm`, adjusted over all rows; `smallest_p`, that this many pairs can give at all; `margin`, in the
    unit of the metric; `p_equivalent`, of two one-sided t tests; `p_equivalent_holm`, adjusted over all rows; `needed`,
    in words, how many seeds would decide; `verdict`, in words. Raises ConfigError for a reference or a metric that is
    not there, and for a margin in another unit.
    """
    if not sweep.configurations:
        return pd.DataFrame(columns=COLUMNS)
    measures = Measures.of(sweep)
    measures.check(metric, sweep.runs)
    unit = measures.measure(metric)[0].unit
    margin = None if equivalent_within is None else margin_of(equivalent_within, metric, unit)
    named = reference_values(sweep, reference)
    across = names_a_task(sweep, named)
    references: dict[tuple, list[Configuration]] = {}  # by what a configuration must equal its reference in
    for configuration in sweep.configurations:
        if _has(configuration, named):
            references.setdefault(_all_else(configuration, named, across), []).append(configuration)
    rows = []
    for configuration in sweep.configurations:
        if not _has(configuration, named):
            other = _only(references.get(_all_else(configuration, named, across), []), named, configuration)
            rows.append({"label": configuration.label} | _compared(configuration, other, metric, measures, margin))
    judge(rows, measures.direction(metric), unmeasured=_unmeasured(sweep, named))
    return pd.DataFrame(rows, columns=COLUMNS)


def _unmeasured(sweep: Sweep, named: dict[str, str]) -> int:
    """How many comparisons were to be made and have no row, or no reference, for lack of any run."""
    reference = {f"{key}={value}" for key, value in named.items()}
    below = ("seed=", *(f"{key}{end}" for key in named for end in "=."))

    def rest(overrides: Sequence[str]) -> frozenset[str]:
        return frozenset(one for one in sweep.tuning.untuned(overrides) if not one.startswith(below))

    missing = sweep.unmeasured
    references = [one for one in missing if reference and reference <= set(one)]
    alone = set(map(rest, references))
    orphans = [c for c in sweep.configurations if not _has(c, named) and rest(c.runs[0].overrides) in alone]
    return len(missing) - len(references) + len(orphans)


def judge(rows: Sequence[Row], direction: Direction | None, unmeasured: int = 0) -> None:
    """Add what depends on all comparisons together: what Holm's correction makes of p, and the verdicts.

    A comparison that has lost its runs counts as one in which nothing is shown, since it was meant to be made: those of
    the `rows` that have a reference, and as many `unmeasured` configurations.
    """
    lost = [bool(row["reference"]) and not np.isfinite(row["p"]) for row in rows]
    comparisons = int(np.isfinite([row["p"] for row in rows]).sum()) + sum(lost) + unmeasured
    for p in ("p", "p_equivalent"):
        adjusted = stats.holm([row[p] for row in rows], more=sum(lost) + unmeasured)
        for row, of_row in zip(rows, adjusted, strict=True):
            row[f"{p}_holm"] = of_row
    for row in rows:
        tests = row["p_holm"], row["p_equivalent_holm"]
        word = verdict(row["pairs"], row["difference"], *tests, comparisons, direction)
        word = withheld(word, row["diverged"], row["reference diverged"])
        undecided = word.startswith((NOT_ENOUGH, NOT_SHOWN))
        row["needed"] = needed(row["differences"], row["margin"], comparisons) if undecided else ""
        row["verdict"] = ": ".join(filter(None, (word, row["needed"])))


def _compared(
    configuration: Configuration, other: Configuration | None, metric: str, measures: Measures, margin: Margin | None
) -> Row:
    """The columns that one comparison fills by itself."""
    partners = {_pair_key(run): run for run in other.runs} if other else {}
    values: dict[int, tuple[float, float]] = {}  # seed -> of the configuration, of the reference
    for run in configuration.runs:
        if partner := partners.get(_pair_key(run)):
            values[run.seed] = numbers(run).get(metric, NAN), numbers(partner).get(metric, NAN)
    mine, theirs = np.array(list(values.values())).reshape(-1, 2).T
    decibels = measures.measure(metric)[0].unit == DECIBELS
    of_pairs = contrast(mine, theirs, margin) | ({"relative": NAN} if decibels else {})
    diverged = {"diverged": configuration.diverged, "reference diverged": other.diverged if other else 0}
    return {"reference": other.label if other else "", "seeds": list(values)} | diverged | of_pairs


def contrast(mine: np.ndarray, theirs: np.ndarray, margin: Margin | None) -> Row:
    """The columns of a comparison that its pairs decide, each (n,), of a configuration and of its reference."""
    differences, n = mine - theirs, len(mine)
    mean, base = (float(np.mean(values)) if n else NAN for values in (differences, theirs))
    margins = np.full(n, margin.amount if margin else NAN)
    if margin and margin.unit != DECIBELS:
        margins *= np.abs(theirs)
    return {
        "pairs": n,
        "differences": differences.tolist(),
        "difference": mean,
        "difference ±": stats.t_interval(differences),
        "reference mean": base,
        "relative": mean / base if base else NAN,
        "r": stats.correlation(mine, theirs),
        "p": sign_flip.sign_flip_p(differences),
        "smallest_p": sign_flip.smallest_p(n),
        "margin": float(np.mean(margins)) if n else NAN,
        "p_equivalent": stats.equivalence_p(differences, margins),
    }


def _pair_key(run: Run) -> tuple[int, object]:
    return run.seed, run.data.get("fingerprint")


def by(row: pd.Series) -> str:
    """How large the difference of a comparison is: `14.0 %`, or as it is where a ratio says nothing."""
    return percent(abs(row["relative"])) if np.isfinite(row["relative"]) else number(abs(row["difference"]))


def pairing(comparison: pd.DataFrame) -> str:
    """A sentence on the comparisons in which the seeds that are paired have little in common; empty where all have."""
    loose = comparison[(comparison["r"] < UNRELATED) & (comparison["pairs"] >= sign_flip.LEAST_PAIRS)]
    if not len(loose):
        return ""
    whom = "any of these" if len(loose) == len(comparison) else "; ".join(loose["label"])
    return (
        f"Pairing by seed did nothing for {whom} (r < {UNRELATED}): a seed that is good for one is not for the other, "
        "so the interval is hardly narrower than that of runs without pairs."
    )


def reference_values(sweep: Sweep, reference: str | None) -> dict[str, str]:
    """The varied keys that a reference names, with their values; without one those of the first configuration that ran,
    but for the task. Nothing where tasks alone were varied. Raises ConfigError for what was not swept."""
    configurations = sweep.configurations
    if reference is None:
        return {key: configurations[0].values.get(key, ABSENT) for key in sweep.varied if not is_task(key, sweep.tasks)}
    swept, parts = _swept(sweep), parts_of(reference)
    for key, value in parts or [(reference, "")]:
        part = f"{key}={value}" if value else key
        if part not in swept:
            raise ConfigError(f"reference={reference}: {part} is not among what was swept{instead(part, swept)}")
    if len(dict(parts)) < len(parts):
        raise ConfigError(f"reference={reference} names a key twice: say one value of each")
    return dict(parts)


def is_swept(sweep: Sweep, reference: str | None) -> bool:
    """Is there a reference, and has a configuration each of the values that it names?"""
    return reference is not None and {f"{key}={value}" for key, value in parts_of(reference)} <= set(_swept(sweep))


def _swept(sweep: Sweep) -> dict[str, None]:
    pairs = (f"{key}={c.values[key]}" for key in sweep.varied for c in sweep.configurations if key in c.values)
    return dict.fromkeys(pairs)


def names_a_task(sweep: Sweep, named: dict[str, str]) -> bool:
    """Does a reference ask for a comparison across tasks?"""
    return any(is_task(key, sweep.tasks) for key in named)


def _has(configuration: Configuration, named: dict[str, str]) -> bool:
    return all(configuration.values.get(key, ABSENT) == value for key, value in named.items())


def _all_else(configuration: Configuration, named: dict[str, str], across: bool) -> tuple:
    """What two configurations that differ in the named keys alone agree in."""
    below = tuple(f"{key}." for key in named)
    rest = {k: value for k, value in configuration.values.items() if k not in named and not k.startswith(below)}
    return (frozenset(rest.items()), "" if across else configuration.task)


def _only(references: Sequence[Configuration], named: dict[str, str], mine: Configuration) -> Configuration | None:
    """The reference of `mine`: of several, the one that equals it in the keys below a named one that both have."""
    if len(references) > 1:
        below = tuple(f"{key}." for key in named)
        shared = [key for key in mine.values if key.startswith(below) and all(key in c.values for c in references)]
        references = [c for c in references if all(c.values[key] == mine.values[key] for key in shared)]
    if len(references) > 1:
        labels = " or ".join(f"reference={c.label.replace(', ', ',')}" for c in references)
        raise ConfigError(f"reference={','.join(f'{k}={v}' for k, v in named.items())} is ambiguous: say {labels}")
    return references[0] if references else None
