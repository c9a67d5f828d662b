"""What `python evaluate.py` is asked for, and what that means for one run. No torch in here."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from hourglass.cli import commands
from hourglass.config import identity as ids
from hourglass.config import validation as checks
from hourglass.config.overrides import refuse_careless
from hourglass.core.errors import ConfigError, DataError

GROUPS = ("corruption", "data")
OPTIONS = {"ladder": bool, "accelerator": Literal["auto", "cpu", "gpu"]}
"""Types in `conf/evaluate.yaml`; `seed` is checked with the data that it goes to."""


@dataclass(frozen=True)
class Evaluation:
    """What to measure of one run."""

    id: str
    """8 hexadecimal digits of corruption, images and the seed asked for: alike in all runs."""
    config: DictConfig
    """The run's own, with data and seed as asked for."""
    node: dict[str, Any]
    """The corruption as configured, for `config`."""
    kind: str
    """The option of `conf/corruption`."""
    level: float | None
    """Its value that `conf/evaluate.yaml` calls the level; 0 where it has none, None for a kind that is not there."""
    data: str
    """The option of `conf/data`."""

    @property
    def corruption(self) -> dict[str, Any]:
        """Kind, level and all values: {"kind": "gaussian", "level": 0.5, "std": 0.5, "clip": False}"""
        values = {key: value for key, value in self.node.items() if not key.startswith("_")}
        return {"kind": self.kind, "level": self.level, **values}


@dataclass(frozen=True)
class Request:
    """The command line, understood."""

    folder: Path
    overrides: list[str]
    """All but `run=`."""
    options: DictConfig
    """`conf/evaluate.yaml` with what the command line says about it."""
    chosen: dict[str, str]
    """Group -> option, where the command line chooses one."""
    changes: list[Override]
    """Values inside the groups: `corruption.std=0.5`."""

    @property
    def accelerator(self) -> str:
        return self.options.accelerator


def understood(arguments: list[str]) -> Request:
    """The request; raises ConfigError for what the command line cannot mean."""
    folders = [argument.removeprefix("run=") for argument in arguments if argument.startswith("run=")]
    if len(folders) != 1:
        raise ConfigError("name one run, or one folder of runs: python evaluate.py run=logs/runs/<run>")
    rest = [argument for argument in arguments if not argument.startswith("run=")]
    refuse_careless(rest)
    overrides = OverridesParser.create().parse_overrides(rest)
    own, chosen, changes = [], {}, []  # about `conf/evaluate.yaml`, options of the groups, values inside them
    known = [*(str(key) for key in OmegaConf.load(commands.CONF / "evaluate.yaml") if key != "defaults"), *GROUPS]
    for override in overrides:
        group, _, key = override.key_or_group.partition(".")
        if override.is_sweep_override() or override.is_delete():
            raise ConfigError(f"{override.input_line}: give one value; ladder=true evaluates at many levels")
        if group not in known:
            raise ConfigError(f"{override.key_or_group} is no option of evaluate.py, which has run, {', '.join(known)}")
        if group not in GROUPS:
            own.append(str(override.input_line))
        elif key:
            changes.append(override)
        elif override.value() is not None:
            chosen[group] = str(override.value())
            node(group, chosen[group])  # a typo is answered now
    options = composed(*own)
    for name, annotation in OPTIONS.items():
        checks.check(options[name], annotation, name)
    if options.ladder and (chosen.get("corruption") or any(c.key_or_group.startswith("corruption") for c in changes)):
        raise ConfigError("ladder=true evaluates every kind of corruption: leave out either it or corruption")
    return Request(Path(folders[0]).expanduser(), rest, options, chosen, changes)


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(commands.CONF), version_base="1.3"):
        return compose("evaluate", list(overrides))


def config_of(run: Path) -> DictConfig:
    """The configuration that Hydra composed for a run, where data and corruption stand with their interpolations."""
    path = run / ".hydra" / "config.yaml"
    if not path.exists():
        raise DataError(f"{path} does not exist: {run} is not a run folder")
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    return config


def evaluations(config: DictConfig, choices: dict[str, str], asked: Request) -> list[Evaluation]:
    """What is asked for, of a run that was configured so and made these choices; ConfigError where that cannot be."""
    chosen = {group: asked.chosen.get(group, choices[group]) for group in GROUPS}
    for group, option in asked.chosen.items():
        config[group] = node(group, option)
    for change in asked.changes:
        group, _, key = change.key_or_group.partition(".")
        keys = commands.dotted(config[group])
        if key not in keys:
            has = ", ".join(keys) or "none"
            raise ConfigError(f"{change.key_or_group}: {group}={chosen[group]} has no such value; it has {has}")
        OmegaConf.update(config, change.key_or_group, change.value())
    own_seed, config.seed = config.seed, asked.options.seed
    images = plain(config.data)  # the run's own seed counts as None, which is the same in all runs
    config.seed = own_seed if config.seed is None else config.seed
    kinds = ladder(asked.options.levels) if asked.options.ladder else [(chosen["corruption"], plain(config.corruption))]
    found = []
    for kind, corruption in kinds:
        what = {"corruption": corruption, "data": {"seed": images["seed"], "source": images["source"]}}
        level = level_of(kind, corruption, asked.options.levels)
        found.append(Evaluation(ids.run_id(OmegaConf.create(what)), config, corruption, kind, level, chosen["data"]))
    return found


def ladder(levels: DictConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every kind of corruption at every one of its levels."""
    for kind, by_key in levels.items():
        corruption = plain(node("corruption", str(kind)))
        if not by_key:
            yield str(kind), corruption
        for key, values in by_key.items():
            for value in values:
                yield str(kind), corruption | {str(key): value}


def level_of(kind: str, corruption: dict[str, Any], levels: DictConfig) -> float | None:
    keys = levels.get(kind)
    if keys is None:
        return None
    return float(corruption[str(next(iter(keys)))]) if keys else 0.0


@cache
def node(group: str, option: str) -> DictConfig:
    """An option of a group as the command line composes it."""
    return composed(f"{group}={option}")[group]


def plain(config: DictConfig) -> dict[str, Any]:
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]
