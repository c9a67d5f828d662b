"""What `probe` is asked for."""

from dataclasses import dataclass

from hourglass.config.compose import read_options
from hourglass.config.key_values import OfRun, read_key_values
from hourglass.config.validation import checked
from hourglass.core.types import Count


@dataclass(frozen=True)
class Options(OfRun):
    """`conf/probe.yaml` with what the command line says."""

    train: Count
    test: Count
    neighbours: Count
    batch_size: Count
    trust: list[str]


def parse_options(arguments: list[str]) -> Options:
    """The options; raises ConfigError for what the command line cannot mean."""
    return checked(Options, read_key_values("probe", arguments), "")


def default_options() -> Options:
    """Those of `conf/probe.yaml`, of no run."""
    return checked(Options, read_options("probe") | {"run": ""}, "")
