"""What `python evaluate.py` left beside the runs as one table, for `evaluations.csv` and all that draws it."""

from typing import Any

import pandas as pd

from hourglass.config.compose import read_options
from hourglass.core.text import number
from hourglass.report.reading.runs import Sweep
from hourglass.runs.evaluation.records import variants


def table(sweep: Sweep) -> pd.DataFrame:
    """One row per run and evaluation; empty where there are none.

    Columns: `id`, `label`, the varied keys and `seed` of the run; `evaluation`, its id; `on`, what it was evaluated on,
    in words that tell it from the others; `on/kind`, `on/level` and the other values of the corruption, `on/data`,
    `on/images` (fingerprint), `on/seed` of the noise; `on/variant`, what sets it apart beside kind, level and data;
    then the metrics.
    """
    variant = variants([record for run in sweep.runs for record in run.evaluations()])
    rows: list[dict[str, Any]] = []
    for configuration in sweep.configurations:
        for run in configuration.runs:
            for record in run.evaluations():
                about = record["corruption"] | {
                    "data": record["data"], "images": record.get("data_fingerprint"), "seed": record.get("seed"),
                    "variant": variant[record["id"]],
                }  # fmt: skip
                row: dict[str, Any] = {"id": run.id, "label": configuration.label} | configuration.values
                row |= {"seed": run.seed, "evaluation": record["id"], "on": ""}
                rows.append(row | {f"on/{key}": value for key, value in about.items()} | record["metrics"])
    if not rows:
        return pd.DataFrame()
    evaluated = pd.DataFrame(rows)
    several = evaluated["on/data"].nunique() > 1
    return evaluated.assign(on=[_words(row, several) for row in evaluated.to_dict("records")])


def _words(row: dict[str, Any], several: bool) -> str:
    level = "" if row["on/kind"] == "none" or pd.isna(row["on/level"]) else f" {number(row['on/level'])}"
    data = f" on {row['on/data']}" if several else ""
    return f"{row['on/kind']}{level}{data}{', ' if row['on/variant'] else ''}{row['on/variant']}"


def in_order(evaluated: pd.DataFrame) -> pd.DataFrame:
    """The rows by kind, as `conf/evaluate.yaml` has them and then by name, data, variant and level."""
    kinds = [*read_options("evaluate")["levels"], *sorted(set(evaluated["on/kind"]))]
    return (
        evaluated.assign(place=evaluated["on/kind"].map(kinds.index))
        .sort_values(["place", "on/data", "on/variant", "on/level"], kind="stable")
        .drop(columns="place")
    )
