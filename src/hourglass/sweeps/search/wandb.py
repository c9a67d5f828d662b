"""W&B as the searcher: the file that its sweep server wants, for the same space."""

from pathlib import Path
from typing import Any

import yaml

from hourglass.config.configuration import Node
from hourglass.config.validation import check
from hourglass.core.types import Count
from hourglass.sweeps.search.space import Choice, Interval, Space


def write_wandb_sweep(config: Node, space: Space, path: Path) -> None:
    """What `wandb sweep FILE` wants, for the same space."""
    ours = ("search=", "search.", "sweep=", "hydra.")  # about this command, not about the runs of an agent
    fixed = [override for override in space.fixed if not override.startswith(ours)]
    logger = (config["logger"] or {}).get("wandb") or {}
    check(config["search"]["trials"], Count, "search.trials")
    sweep = {
        "name": config["sweep"],
        **{key: logger[key] for key in ("project", "entity") if logger.get(key)},
        "program": "train.py",
        "command": ["${env}", "${interpreter}", "${program}", *fixed, "${args_no_hyphens}"],
        "method": "bayes",
        "metric": {"name": "val/loss", "goal": "minimize"},
        "run_cap": config["search"]["trials"],
        "parameters": {key: wandb_parameter(parameter) for key, parameter in space.varied.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(sweep, sort_keys=False, width=120), encoding="utf-8")


def wandb_parameter(parameter: Choice | Interval) -> dict[str, Any]:
    if isinstance(parameter, Choice):
        return {"values": parameter.values}
    limits: dict[str, Any] = {"min": parameter.low, "max": parameter.high}
    step = parameter.step or (1 if parameter.integer else None)
    kind = "log_uniform_values" if parameter.log else "uniform"
    if step is None:
        return {"distribution": kind, **limits}
    if step == 1 and not parameter.log:
        return {"distribution": "int_uniform", **limits}
    return {"distribution": f"q_{kind}", "q": step, **limits}
