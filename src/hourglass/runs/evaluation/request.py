"""What an evaluation is asked for, and what that means for one run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hydra.core.override_parser.types import Override

from hourglass.config.compose import compose_evaluate, dotted_keys, option
from hourglass.config.compose import options as known_options
from hourglass.config.configuration import Configuration, Node
from hourglass.config.identity import run_id, without_volatile
from hourglass.config.overrides import parse, refuse_careless
from hourglass.config.validation import checked
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import command
from hourglass.core.types import Count, Size

GROUPS = ("corruption", "data")
BATCHING = ("batch_size", "eval_batch_size", "val_size", "_target_", "_partial_")
"""Keys of `data` that do not say which images the test has."""
PROBE, IWAE, RATIO = "probe/", "test/iwae_", "ratio/"
"""How the names begin of what is measured only where it is asked for."""
Levels = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Options:
    """`conf/evaluate.yaml` with what the command line says about it."""

    ladder: bool
    probe: bool
    iwae: Count | None
    baselines: str | None
    seed: Size | None
    accelerator: Literal["auto", "cpu", "gpu"]
    trust: list[str]
    """Packages whose parts may be made of a run's configuration"""
    levels: Levels
    """Kind -> the value that counts as its level -> the levels of the ladder"""

    def lacks(self, metrics: Mapping[str, Any]) -> bool:
        """Is something asked for that is not among these metrics?"""
        groups = [PROBE] * self.probe + [RATIO] * (self.baselines is not None)
        without = any(not any(name.startswith(group) for name in metrics) for group in groups)
        return without or (self.iwae is not None and f"{IWAE}{self.iwae}" not in metrics)


@dataclass(frozen=True)
class Evaluation:
    """What to measure of one run."""

    id: str
    """8 hexadecimal digits of corruption, images and the configured seed: alike in all runs"""
    configuration: Configuration
    """The run's own, with data, corruption and seed of this evaluation"""
    kind: str
    """The option of `conf/corruption`"""
    level: float | None
    """Its value that `conf/evaluate.yaml` calls the level; 0 where it has none, None for a kind that is not there"""
    data: str
    """The option of `conf/data`"""

    @property
    def corruption(self) -> dict[str, Any]:
        """Kind, level and all values: {"kind": "gaussian", "level": 0.5, "std": 0.5, "clip": False}"""
        node = self.configuration.plain["corruption"]
        values = {key: value for key, value in node.items() if not key.startswith("_")}
        return {"kind": self.kind, "level": self.level, **values}


@dataclass(frozen=True)
class Request:
    """The command line of `evaluate`."""

    folder: Path
    overrides: list[str]
    """All but `run=`"""
    options: Options
    chosen: dict[str, str]
    """Group -> option, where the command line chooses one"""
    changes: list[Override]
    """Values inside the groups: `corruption.std=0.5`"""


def parse_request(arguments: list[str]) -> Request:
    """The request; raises ConfigError for what the command line cannot mean."""
    folders = [argument.removeprefix("run=") for argument in arguments if argument.startswith("run=")]
    if len(folders) != 1:
        raise ConfigError(f"name one run, or one folder of runs: {command('evaluate')} run=logs/runs/<run>")
    rest = [argument for argument in arguments if not argument.startswith("run=")]
    refuse_careless(rest)
    own, chosen, changes = [], {}, []  # about `conf/evaluate.yaml`, options of the groups, values inside them
    known = list(dict.fromkeys((*compose_evaluate(), *GROUPS)))
    for override in parse(rest):
        group, _, key = override.key_or_group.partition(".")
        if override.is_sweep_override() or override.is_delete():
            raise ConfigError(f"{override.input_line}: give one value; ladder=true evaluates at many levels")
        if group not in known:
            raise ConfigError(f"{override.key_or_group} is no option of evaluate, which has run, {', '.join(known)}")
        if group not in GROUPS:
            own.append(str(override.input_line))
        elif key:
            changes.append(override)
        elif not isinstance(override.value(), str | None):
            raise ConfigError(f"{override.input_line}: {group} is one of {', '.join(known_options(group))}")
        elif override.value() is not None:
            chosen[group] = str(override.value())
            option(group, chosen[group])  # a typo is answered now
    options = checked(Options, compose_evaluate(own), "")
    if options.ladder and (chosen.get("corruption") or any(c.key_or_group.startswith("corruption") for c in changes)):
        raise ConfigError("ladder=true evaluates every kind of corruption: leave out either it or corruption")
    return Request(expanded(folders[0]), rest, options, chosen, changes)


def evaluations(configuration: Configuration, choices: dict[str, str], request: Request) -> list[Evaluation]:
    """What is to be measured of a run that was configured so and made these choices; ConfigError where it cannot be."""
    chosen = {group: request.chosen.get(group, choices[group]) for group in GROUPS}
    values: dict[str, Any] = {group: option(group, name) for group, name in request.chosen.items()}
    configuration = configuration.with_values(values)
    for change in request.changes:
        group, _, key = change.key_or_group.partition(".")
        keys = dotted_keys(configuration.plain[group])
        if key not in keys:
            has = ", ".join(keys) or "none"
            raise ConfigError(f"{change.key_or_group}: {group}={chosen[group]} has no such value; it has {has}")
        configuration = configuration.with_values({change.key_or_group: change.value()})
        if change.key_or_group == "data.root" and "checksums" in keys:  # of the images there
            sums = option("data", chosen["data"])["checksums"]
            configuration = configuration.with_values({"data.checksums": sums})
    seed = request.options.seed
    images = images_of(configuration.with_values({"seed": seed}))  # its own counts as None, the same in all runs
    if seed is not None:
        configuration = configuration.with_values({"seed": seed})
    kinds = [(chosen["corruption"], configuration.plain["corruption"])]
    every = []
    for kind, corruption in ladder(request.options.levels) if request.options.ladder else kinds:
        level = level_of(kind, corruption, request.options.levels)
        identity = run_id({"corruption": corruption, "data": images})
        of_it = configuration.with_values({"corruption": corruption})
        every.append(Evaluation(identity, of_it, kind, level, chosen["data"]))
    return every


def images_of(configuration: Configuration) -> Node:
    """What decides which images the test has, wherever they lie."""
    data = without_volatile(configuration.plain)["data"]
    checksums = {"checksums": (data.get("checksums") or {}).get("test")}
    return {key: value for key, value in data.items() if key not in BATCHING} | checksums


def ladder(levels: Levels) -> Iterator[tuple[str, Node]]:
    """Every kind of corruption at every one of its levels."""
    for kind, by_key in levels.items():
        corruption = option("corruption", kind)
        if not by_key:
            yield kind, corruption
        for key, values in by_key.items():
            for value in values:
                yield kind, corruption | {key: value}


def level_of(kind: str, corruption: Node, levels: Levels) -> float | None:
    keys = levels.get(kind)
    if keys is None:
        return None
    return float(corruption[next(iter(keys))]) if keys else 0.0
