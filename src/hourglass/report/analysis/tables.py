"""The tables of a report: leaderboard, Pareto front, heat map, results, provenance."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from hourglass.core.text import as_option
from hourglass.report.analysis import stats
from hourglass.report.analysis.measures import KEY_NUMBERS, LEAST, RATES, Measures, names_of, numbers
from hourglass.report.reading.run import ABSENT, Run, value_of
from hourglass.report.reading.runs import Sweep

POSITIONS = "cost/index_bits"


def leaderboard(sweep: Sweep, metric: str = "test/mse", *, across: bool = False) -> pd.DataFrame:
    """One row per configuration, task by task, in each the best mean of `metric` first; `across` all tasks as one.

    Columns: `label`; `task`, empty where there is one; the varied keys; `channels` and `decoder.channels` where the
    widths differ unasked (`match=`); `n`, `seeds`, `ids`; and for each name of `numbers` its mean over the seeds as
    `name`, half the width of the 95 % t interval as `name ±` (NaN for one seed), and the list of values, one per seed,
    as `name values`. One that is not finite makes both NaN. Of the costs in `LEAST` it is the least, without interval.
    `real/phase_bias_2` is the test images' own value: what `test/phase_bias_2` is to be held against.
    """
    if not sweep.configurations:
        return pd.DataFrame(columns=["label", "n", "seeds", "ids"])
    measures = Measures.of(sweep)
    measures.check(metric, sweep.runs)
    names = names_of(sweep.runs)
    widths = {str(run.channels) for run in sweep.runs if run.channels}
    inner = {str(run.decoder_channels) for run in sweep.runs}
    several = not across and len({configuration.task for configuration in sweep.configurations}) > 1
    rows = []
    for configuration in sweep.configurations:
        row: dict[str, Any] = {"label": configuration.label, "task": configuration.task_label if several else ""}
        row |= {key: configuration.values.get(key, ABSENT) for key in sweep.varied}
        if len(widths) > 1:
            row.setdefault("channels", as_option(configuration.runs[0].channels))
        if len(inner) > 1:
            row.setdefault("decoder.channels", as_option(configuration.runs[0].decoder_channels or ""))
        runs = configuration.runs
        row |= {"n": len(runs), "seeds": [run.seed for run in runs], "ids": [run.id for run in runs]}
        measured = [numbers(run) for run in runs]
        for name in names:
            values = [of_run.get(name, float("nan")) for of_run in measured]
            mean, half = float(np.mean(values)), stats.t_interval(values)
            row |= {name: mean, f"{name} ±": half, f"{name} values": values}
            row |= {name: float(np.min(values)), f"{name} ±": np.nan} if name in LEAST else {}
        rows.append(row)
    table = pd.DataFrame(rows)
    table["task"] = pd.Categorical(table["task"], table["task"].unique())  # in the order in which they ran
    return table.sort_values(
        ["task", metric], ascending=[True, measures.direction(metric) == "lower"], kind="stable", ignore_index=True
    ).astype({"task": str})


def key_columns(leaderboard: pd.DataFrame, metric: str, measures: Measures) -> list[str]:
    """The numbers that one sees before choosing: `metric` first, `KEY_NUMBERS`, those of other packages that have a
    better end, and the ratio to the tightest baseline of each task.

    Without those that were not measured or are 0 throughout.
    """
    ratios = [name for name in leaderboard if name.startswith("ratio/") and f"{name} values" in leaderboard]
    tightest: list[str] = []
    if ratios:
        lowest = leaderboard.groupby("task", sort=False)[ratios].min().dropna(how="all")
        tightest = list(lowest.idxmax(axis=1))
    quality = [name for name in KEY_NUMBERS if not name.startswith("cost/")]
    quality += [f"test/{name}" for name, what in measures.declared.items() if what.better]
    names = dict.fromkeys((metric, *quality, *tightest, *KEY_NUMBERS))
    return [name for name in names if name == metric or (name in leaderboard and leaderboard[name].fillna(0).any())]


def pareto(leaderboard: pd.DataFrame, cost: str, metric: str, measures: Measures | None = None) -> pd.Series:
    """Which rows no other row beats: none is as good in both columns and better in one. NaN is on no front.

    The bits of positions that max unpooling passes on beside the code, a column `cost/index_bits`, are a third cost
    beside any but a rate, which has them in it: nothing is beaten by what is given more. `measures` says which values
    of a metric of another package are the better ones.
    """
    measures = measures or Measures({})
    signs = [1 if measures.direction(name) == "lower" else -1 for name in (cost, metric)]
    points = leaderboard[[cost, metric]].to_numpy(float) * signs
    if counts_positions(leaderboard, cost):
        points = np.column_stack([points, leaderboard[POSITIONS].fillna(0)])
    as_good = (points[None] <= points[:, None]).all(-1)  # [i, j]: is j as good as i?
    better = (points[None] < points[:, None]).any(-1)
    return pd.Series(~(as_good & better).any(1) & np.isfinite(points).all(1), leaderboard.index)


def counts_positions(leaderboard: pd.DataFrame, cost: str) -> bool:
    """Are bits of positions known, and not in this cost already?"""
    return POSITIONS in leaderboard and cost != POSITIONS and cost.removeprefix("cost/") not in RATES


def heatmap(sweep: Sweep, metric: str = "test/mse") -> pd.DataFrame | None:
    """Mean of `metric`, encoders down and decoders across, NaN where a pair has no run; None unless both were swept.

    Every other varied key is held at the first of its values that ran, in the pairs that have such a key:
    `.attrs["where"]` says which.
    """
    if not {"encoder", "decoder"} <= set(sweep.varied):
        return None
    Measures.of(sweep).check(metric, sweep.runs)
    first: dict[str, str] = {}
    for key in sweep.varied:
        if key not in ("encoder", "decoder"):
            first[key] = next(value for run in sweep.runs if (value := value_of(run, key)) != ABSENT)
    alike = [run for run in sweep.runs if all(value_of(run, key) in (ABSENT, value) for key, value in first.items())]
    cells = [(run.choices["encoder"], run.choices["decoder"], numbers(run).get(metric)) for run in alike]
    table = pd.DataFrame(cells, columns=["encoder", "decoder", metric])
    table = table.pivot_table(metric, "encoder", "decoder", aggfunc=lambda values: values.to_numpy().mean(), sort=False)
    table.attrs["where"] = ", ".join(f"{key}={value}" for key, value in first.items())
    return table


def results(sweep: Sweep) -> pd.DataFrame:
    """One row per run, for `results.csv`: id, status, label, varied keys, seed, health, every number; then those that
    have no result."""
    rows: list[dict[str, Any]] = []
    for configuration in sweep.configurations:
        for run in configuration.runs:
            row = {"id": run.id, "status": "completed", "label": configuration.label} | configuration.values
            row |= dict(zip(sweep.tuning.keys, sweep.tuning.point(run), strict=True))
            health = "; ".join(f"{diagnostic}, since epoch {epoch}" for diagnostic, epoch in run.health.items())
            rows.append(row | {"seed": run.seed, "health": health} | numbers(run) | {"folder": run.folder.name})
    for problem in sweep.lost:
        label, reason = ", ".join(problem.overrides), " ".join(problem.reason.split())
        rows.append({"id": problem.id, "status": problem.status, "label": label, "reason": reason})
    return pd.DataFrame(rows)


def provenance(sweep: Sweep) -> dict[str, Any]:
    """Where the numbers come from.

    `invocations`, those of `sweep.json`: command, time, git, versions; `seeds`; `versions`, package -> those that
    occur; `hardware` and `data`, description -> how many runs; `images`, the same in short, an entry a data set;
    `statuses`, status -> how many jobs.
    """
    packages = dict.fromkeys(package for run in sweep.runs for package in run.versions)
    return {
        "invocations": sweep.info.get("invocations", []),
        "seeds": sorted({run.seed for run in sweep.runs}),
        "versions": {
            package: list(dict.fromkeys(run.versions[package] for run in sweep.runs if package in run.versions))
            for package in packages
        },
        "hardware": dict(Counter(run.hardware.get("device", "not recorded") for run in sweep.runs)),
        "data": dict(Counter(_data(run) for run in sweep.runs)),
        "images": _images(sweep),
        "statuses": {"completed": len(sweep.runs)} | Counter(problem.status for problem in sweep.lost),
    }


def _data(run: Run) -> str:
    """`mnist5k cbf43926: 4,000 train, 500 val, 500 test`"""
    name, splits = run.choices.get("data", "data"), ("train", "val", "test")
    if not run.data:
        return f"{name}, no fingerprint recorded"
    sizes = ", ".join(f"{run.data[split]:,} {split}" for split in splits if split in run.data)
    return f"{name} {run.data.get('fingerprint', '')}: {sizes}"


def _images(sweep: Sweep) -> list[str]:
    """As `_data`, but several sets of images of one name are counted: `synthetic (8 sets of images, one per seed)`"""
    names: dict[str, dict[str, set[int]]] = {}  # name of the data -> set of images -> seeds
    for run in sweep.runs:
        names.setdefault(run.choices.get("data", "data"), {}).setdefault(_data(run), set()).add(run.seed)
    described = []
    for name, sets in names.items():
        one_a_seed = len(sets) == sum(map(len, sets.values())) == len(set.union(*sets.values()))
        several = f"{name} ({len(sets)} sets of images{', one per seed' if one_a_seed else ''})"
        described.append(several if len(sets) > 1 else next(iter(sets)))
    return described
