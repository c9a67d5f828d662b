"""The tables of a report: leaderboard, Pareto front, heat map, results, provenance; `paired` has its own module."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from hourglass.report import runs, stats
from hourglass.report.comparison import paired as paired
from hourglass.report.measures import check_metric, names_of, numbers
from hourglass.report.measures import metric_direction as metric_direction
from hourglass.report.run import ABSENT, Run, shown, value_of
from hourglass.report.runs import Problem, Sweep


def leaderboard(sweep: Sweep, metric: str = "test/mse") -> pd.DataFrame:
    """One row a configuration, the best first by the mean of `metric`.

    Columns: `label`; the varied keys; `channels` where the widths differ unasked (`match=`); `n`, `seeds`, `ids`; and
    for each name of `numbers` its mean over the seeds as `name`, half the width of the 95 % t interval as `name ±`
    (NaN for one seed), and the list of values, one a seed, as `name values`. One that is not finite makes both NaN.
    `real/phase_bias_2` is the test images' own value: what `test/phase_bias_2` is to be held against.
    """
    found = runs.configurations(sweep)
    names = names_of(sweep.runs)
    if found:
        check_metric(metric, sweep.runs)
    widths = {str(run.channels) for run in sweep.runs if run.channels}
    rows = []
    for configuration in found:
        row: dict[str, Any] = {"label": configuration.label}
        row |= {key: configuration.values.get(key, ABSENT) for key in sweep.varied}
        if len(widths) > 1:
            row.setdefault("channels", shown(configuration.runs[0].channels))
        row |= {
            "n": len(configuration.runs),
            "seeds": [run.seed for run in configuration.runs],
            "ids": [run.id for run in configuration.runs],
        }
        measured = [numbers(run) for run in configuration.runs]
        for name in names:
            values = [of_run.get(name, float("nan")) for of_run in measured]
            row |= {name: float(np.mean(values)), f"{name} ±": stats.t_interval(values), f"{name} values": values}
        rows.append(row)
    if not rows:
        return pd.DataFrame(columns=["label", "n", "seeds", "ids"])
    table = pd.DataFrame(rows)
    return table.sort_values(metric, ascending=metric_direction(metric) == "lower", kind="stable", ignore_index=True)


def pareto(leaderboard: pd.DataFrame, cost: str, metric: str = "test/mse") -> pd.Series:
    """Which rows no other row beats: none is as good in both columns and better in one. NaN is on no front."""
    signs = [1 if metric_direction(name) == "lower" else -1 for name in (cost, metric)]
    points = leaderboard[[cost, metric]].to_numpy(float) * signs
    as_good = (points[None] <= points[:, None]).all(-1)  # [i, j]: is j as good as i?
    better = (points[None] < points[:, None]).any(-1)
    return pd.Series(~(as_good & better).any(1) & np.isfinite(points).all(1), leaderboard.index)


def heatmap(sweep: Sweep, metric: str = "test/mse") -> pd.DataFrame | None:
    """Mean of `metric`, encoders down and decoders across, NaN where a pair has no run; None unless both were swept.

    Other varied keys are held at their values in the first configuration that ran: `.attrs["where"]` says which.
    """
    if not {"encoder", "decoder"} <= set(sweep.varied):
        return None
    check_metric(metric, sweep.runs)
    others = [key for key in sweep.varied if not key.startswith(("encoder", "decoder"))]
    where = {key: value_of(sweep.runs[0], key) for key in others}
    alike = [run for run in sweep.runs if all(value_of(run, key) == value for key, value in where.items())]
    cells = [(run.choices["encoder"], run.choices["decoder"], numbers(run).get(metric)) for run in alike]
    table = pd.DataFrame(cells, columns=["encoder", "decoder", metric])
    table = table.pivot_table(metric, "encoder", "decoder", aggfunc="mean", sort=False)
    table.attrs["where"] = ", ".join(f"{key}={value}" for key, value in where.items())
    return table


def results(sweep: Sweep) -> pd.DataFrame:
    """One row a run, for `results.csv`: id, status, label, varied keys, seed, every number; then the others by name."""
    rows: list[dict[str, Any]] = []
    for configuration in runs.configurations(sweep):
        for run in configuration.runs:
            row = {"id": run.id, "status": "completed", "label": configuration.label}
            rows.append(row | configuration.values | {"seed": run.seed} | numbers(run) | {"folder": run.folder.name})
    for problem in without_result(sweep):
        label, reason = ", ".join(problem.overrides), " ".join(problem.reason.split())
        rows.append({"id": problem.id, "status": problem.status, "label": label, "reason": reason})
    return pd.DataFrame(rows)


def without_result(sweep: Sweep) -> list[Problem]:
    """The jobs that have none; the other problems are torn files, and older repetitions of runs that have one."""
    with_result = {run.id for run in sweep.runs} | {"sweep.json"}
    return [problem for problem in sweep.others if problem.id not in with_result]


def provenance(sweep: Sweep) -> dict[str, Any]:
    """Where the numbers come from.

    `invocations`, those of `sweep.json`: command, time, git, versions; `seeds`; `versions`, package -> those that
    occur; `hardware` and `data`, description -> how many runs; `statuses`, status -> how many jobs.
    """
    versions: dict[str, list[str]] = {}
    for run in sweep.runs:
        for package, version in run.versions.items():
            if version not in versions.setdefault(package, []):
                versions[package].append(version)
    return {
        "invocations": sweep.info.get("invocations", []),
        "seeds": sorted({run.seed for run in sweep.runs}),
        "versions": versions,
        "hardware": dict(Counter(run.hardware.get("device", "not recorded") for run in sweep.runs)),
        "data": dict(Counter(_data(run) for run in sweep.runs)),
        "statuses": {"completed": len(sweep.runs)} | Counter(problem.status for problem in without_result(sweep)),
    }


def _data(run: Run) -> str:
    """`mnist5k cbf43926: 4,000 train, 500 val, 500 test`"""
    name, splits = run.choices.get("data", "data"), ("train", "val", "test")
    if not run.data:
        return f"{name}, no fingerprint recorded"
    sizes = ", ".join(f"{run.data[split]:,} {split}" for split in splits if split in run.data)
    return f"{name} {run.data.get('fingerprint', '')}: {sizes}"
