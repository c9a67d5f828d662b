"""From the command line to a run: what can be answered or refused without torch is, within a second."""

import os
import sys
from collections import Counter
from collections.abc import Callable

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hourglass.errors import ConfigError, HourglassError
from hourglass.ids import register_resolvers, run_id

GROUPS = ("model", "encoder", "latent", "decoder", "data", "corruption", "loss", "optimizer", "trainer", "experiment")


def refuse_careless_overrides(overrides: list[str]) -> None:
    """Hydra takes a key that is given twice (the last wins) and a new key with `+`; both are typos here."""
    parsed = OverridesParser.create().parse_overrides(overrides)
    counts = Counter(override.key_or_group for override in parsed)
    for override in parsed:
        if counts[override.key_or_group] > 1:
            raise ConfigError(f"{override.key_or_group} is given {counts[override.key_or_group]} times: give it once")
        if override.is_add() and not override.key_or_group.startswith("hydra"):
            raise ConfigError(
                f"{override.input_line}: a '+' adds a key that nothing reads; leave the '+' out, "
                "and see python train.py --cfg job for the keys there are"
            )


def main(task: Callable[[], object]) -> None:
    """Run a `@hydra.main` function; a mistake of the user ends in a short message and exit code 1."""
    register_resolvers()
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        task()
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us, instead of Hydra's printing and exiting
    try:
        task()
    except (HourglassError, HydraException, OmegaConfBaseException) as error:
        sys.exit(f"\n{type(error).__name__}: {error}\n(HYDRA_FULL_ERROR=1 shows where it was raised)")


def train(config: DictConfig) -> float:
    """The task of `train.py`: one run."""
    hydra = HydraConfig.get()
    refuse_careless_overrides(list(hydra.overrides.task))
    from pathlib import Path

    from hourglass import run

    folder = Path(hydra.runtime.output_dir)
    job = run.Job(
        folder=folder,
        id=run_id(config),
        choices={group: hydra.runtime.choices[group] for group in GROUPS if hydra.runtime.choices.get(group)},
        overrides=list(hydra.overrides.task),
        group=config.sweep if hydra.mode == RunMode.MULTIRUN else None,
    )
    return run.train(config, job)
