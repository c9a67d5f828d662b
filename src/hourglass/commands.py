"""From the command line to a run: what can be answered or refused without torch is, within a second."""

import difflib
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hourglass.errors import ConfigError, HourglassError
from hourglass.ids import register_resolvers, run_id

CONF = Path(__file__).parents[2] / "conf"
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
        sys.exit(f"\n{type(error).__name__}: {advice(error)}\n(HYDRA_FULL_ERROR=1 shows where it was raised)")


def advice(error: Exception) -> str:
    """The error's message; for an unknown key with the nearest ones in place of Hydra's advice to add it."""
    if "Available options in" in str(error):
        return str(error).split("\nConfig search path")[0].rstrip()
    match = re.match(r"Could not override '([^']+)'|Key '([^']+)' is not in struct", str(error))
    if not match:
        return str(error)
    missing = match[1] or match[2]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        keys = dotted(compose("train"))
    # a whole path first, then the same name elsewhere
    near = difflib.get_close_matches(missing, keys, n=3, cutoff=0.7)
    near += [key for key in keys if key.split(".")[-1] == missing.split(".")[-1] and key not in near][:3]
    hint = f": did you mean {' or '.join(near)}?" if near else "; python train.py --cfg job shows the keys there are"
    return f"{missing} is no key of this configuration{hint}"


def dotted(node: object, prefix: str = "") -> list[str]:
    """Every key of a configuration, `optimizer.lr` style."""
    if not isinstance(node, DictConfig):
        return []
    keys: list[str] = []
    for key in node:
        path = f"{prefix}{key!s}"
        keys += [path, *dotted(node._get_node(key), f"{path}.")]
    return [key for key in keys if not key.split(".")[-1].startswith("_")]


def train(config: DictConfig) -> float:
    """The task of `train.py`: one run."""
    hydra = HydraConfig.get()
    refuse_careless_overrides(list(hydra.overrides.task))
    sweeping = hydra.mode == RunMode.MULTIRUN
    if sweeping and (config.trainer.devices != 1 or config.trainer.strategy != "auto"):
        # Lightning's children would take the whole sweep for theirs, and train other jobs than rank 0
        raise ConfigError("a sweep runs on one device a job: use trainer.devices=1, or start the runs one by one")
    from hourglass import run  # torch and lightning: only now

    folder = Path(hydra.runtime.output_dir)
    job = run.Job(
        folder=folder,
        id=run_id(config),
        choices={group: hydra.runtime.choices[group] for group in GROUPS if hydra.runtime.choices.get(group)},
        overrides=list(hydra.overrides.task),
        group=config.sweep if sweeping else None,
    )
    return run.train(config, job)
