"""The report inside W&B: one run of job_type `report` in the sweep's group."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from omegaconf import DictConfig

from hourglass import build, pictures
from hourglass.loggers import PatientWandbLogger, first_line
from hourglass.report import runs, tables

log = logging.getLogger(__name__)
SHOWN = 12
"""Configurations in the picture, the best ones."""
IMAGES = 8


def publish(sweep: runs.Sweep, config: DictConfig, page: Path) -> None:
    """Log the leaderboard as a table, the side-by-side picture, and the page.

    `config` is that of the sweep, whose W&B settings hold here too. What W&B cannot do is said, and costs only itself.
    """
    name = sweep.folder.name
    logger = build.part(config, "logger.wandb")(sweep.folder, f"report-{name}", f"report {name}", name, "report")
    if not isinstance(logger, PatientWandbLogger):
        return  # it has said why
    import wandb

    run: Any = logger.experiment
    try:
        run.log(
            {
                "leaderboard": wandb.Table(dataframe=leaderboard(sweep)),
                "side by side": wandb.Image(side_by_side(sweep)),
                "report": wandb.Html(page.read_text(), inject=False),
            }
        )
    except Exception as error:  # whatever the client, its service process or the disk may raise
        log.warning("W&B has not got the report (%s); it lies in %s", first_line(error), page)
    logger.finish(exit_code=0)


def leaderboard(sweep: runs.Sweep) -> pd.DataFrame:
    """The report's leaderboard, without the lists of single values."""
    board = tables.leaderboard(sweep)
    return board[[column for column in board if not column.endswith(" values")]]


def side_by_side(sweep: runs.Sweep) -> Any:
    """The first test images, and what the best configurations made of them: a PIL image."""
    order = list(tables.leaderboard(sweep)["label"])
    found = sorted(runs.configurations(sweep), key=lambda configuration: order.index(configuration.label))
    rows: dict[str, torch.Tensor] = {}
    for configuration in found[:SHOWN]:
        examples = configuration.runs[0].examples()
        if examples is not None:
            target, output = (torch.from_numpy(examples[role][:IMAGES]).float() / 255 for role in ("target", "output"))
            if not rows or rows["test images"].shape == target.shape:
                rows = {"test images": target} | rows | {configuration.label: output}
    return pictures.grid(rows)
