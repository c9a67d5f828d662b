"""`report`: a sweep turned into an answer. Pandas, plotly and torch are imported once they are needed."""

from pathlib import Path
from typing import Any

from hourglass.config.configuration import Configuration
from hourglass.core.compat.extras import needing_report
from hourglass.report import index
from hourglass.report.request import HELP, Request, parse


def main(arguments: list[str]) -> None:
    if {"--help", "-h"} & set(arguments):
        print(HELP)
        return
    request = parse(arguments)
    make(request)
    index.refresh(request.out)


def make(request: Request) -> Any:
    """Write the files of the report and print the short answer; the `Review` that is in them."""
    with needing_report("a report needs"):
        from hourglass.report.make import make as make_report
    return make_report(request)


def publish(review: Any, configuration: Configuration, page: Path) -> None:
    """The report of a sweep in W&B, as a run of its own in the sweep's group, with the settings of its jobs."""
    from hourglass.config.parts import Parts
    from hourglass.report.publish import publish as publish_report
    from hourglass.training.loggers import LoggedRun, ResilientWandbLogger

    folder = review.sweep.folder
    run = LoggedRun(folder, f"report-{folder.name}", f"report {folder.name}", folder.name, job_type="report")
    logger = Parts(configuration).loggers["wandb"](run)
    if isinstance(logger, ResilientWandbLogger):  # else it has said why it cannot
        publish_report(review, logger, page)
