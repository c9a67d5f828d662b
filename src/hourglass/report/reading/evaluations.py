"""What `python evaluate.py` left beside the runs as one table, for `evaluations.csv` and all that draws it."""

from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from hourglass.cli import commands
from hourglass.report.page.marks import number
from hourglass.report.reading.runs import Sweep
from hourglass.runs.evaluation.evaluate import variants


def table(sweep: Sweep) -> pd.DataFrame:
    """One row a run and evaluation; empty where there are none.

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
    found = pd.DataFrame(rows)
    several = found["on/data"].nunique() > 1
    found["on"] = [_words(row, several) for row in found.to_dict("records")]
    return found


def _words(row: dict[str, Any], several: bool) -> str:
    level = "" if row["on/kind"] == "none" or pd.isna(row["on/level"]) else f" {number(row['on/level'])}"
    data = f" on {row['on/data']}" if several else ""
    return f"{row['on/kind']}{level}{data}{', ' if row['on/variant'] else ''}{row['on/variant']}"


def in_order(found: pd.DataFrame) -> pd.DataFrame:
    """The rows by kind, as `conf/evaluate.yaml` has them and then by name, data, variant and level."""
    known = [str(kind) for kind in OmegaConf.load(commands.CONF / "evaluate.yaml").levels]
    place = {kind: i for i, kind in enumerate([*known, *sorted({*found["on/kind"]} - {*known})])}
    keys = ["on/data", "on/variant", "on/level"]
    return (
        found.assign(place=found["on/kind"].map(place))
        .sort_values(["place", *keys], kind="stable")
        .drop(columns="place")
    )
