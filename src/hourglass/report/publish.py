"""The report inside W&B: one run of job_type `report` in the sweep's group; and pictures side by side."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from hourglass.core.text import first_line
from hourglass.data import pictures
from hourglass.report.analysis.review import Review
from hourglass.report.reading.run import Run
from hourglass.training.loggers import ResilientWandbLogger

log = logging.getLogger(__name__)
SHOWN = 16
"""Configurations in a picture, the best ones."""
IMAGES = 8


def publish(review: Review, logger: ResilientWandbLogger, page: Path) -> None:
    """Log the leaderboard as a table, the side-by-side pictures, and the page; then close the run.

    What W&B cannot take is reported, and lost there alone.
    """
    import wandb  # takes 2 s, which `side_by_side` does without

    try:
        logger.experiment.log(
            {
                "leaderboard": wandb.Table(dataframe=leaderboard(review)),
                "side by side": [
                    wandb.Image(image, caption=f"{task}; the {SHOWN} best at most")
                    for task, image in side_by_side(review).items()
                ],
                "report": wandb.Html(page.read_text(encoding="utf-8"), inject=False),
            }
        )
    except Exception as error:  # whatever the client, its service process or the disk may raise
        log.warning("W&B could not take the report (%s), which is in %s", first_line(error), page)
    logger.finish(exit_code=0)


def leaderboard(review: Review) -> pd.DataFrame:
    """The report's leaderboard, without the lists of single values."""
    board = review.board
    return board[[column for column in board if not column.endswith(" values")]]


def side_by_side(review: Review) -> dict[str, Image.Image]:
    """Task -> the first test images, corrupted where they were, and what the best configurations made of them.

    Each is shown by its run with the median metric, named by its seed. Where seeds have test images of their own, and a
    configuration has none of the same seed, these images come once more before it.
    """
    tasks: dict[str, list[tuple[str, Run]]] = {}
    for configuration in review.ranked:
        label = configuration.method_label or configuration.label
        tasks.setdefault(configuration.task_label, []).append((label, review.pictured[configuration.label]))
    rows = {task: _rows(labelled[:SHOWN]) for task, labelled in tasks.items()}
    return {task: pictures.grid(of_task) for task, of_task in rows.items() if of_task}


def _rows(labelled: list[tuple[str, Run]]) -> dict[str, torch.Tensor]:
    """Label -> (N, C, H, W) in [0, 1]; the reconstructions of the same images stand together below these."""
    sets: dict[bytes, dict[str, torch.Tensor]] = {}
    for label, run in labelled:
        examples = run.examples()
        if examples is None:
            continue
        target, given, output = (examples[role][:IMAGES] for role in ("target", "input", "output"))
        of_seed = f", seed {run.seed}" if sets else ""
        corrupted = {} if np.array_equal(target, given) else {f"corrupted{of_seed}": _pixels(given)}
        shown = {f"test images{of_seed}": _pixels(target)} | corrupted
        rows = sets.setdefault(target.tobytes() + given.tobytes(), shown)
        rows[f"{label}, seed {run.seed}"] = _pixels(output)
    return {label: images for rows in sets.values() for label, images in rows.items()}


def _pixels(images: np.ndarray) -> torch.Tensor:
    """(N, C, H, W) uint8 -> [0, 1]"""
    return torch.from_numpy(images).float() / 255
