"""What `probe` is asked for."""

from dataclasses import dataclass
from pathlib import Path

from hourglass.config.compose import read_options
from hourglass.config.key_values import read_key_values
from hourglass.config.validation import checked
from hourglass.core.types import Count


@dataclass(frozen=True)
class Options:
    """`conf/probe.yaml` with what the command line says."""

    run: str
    train: Count
    test: Count
    neighbours: Count
    batch_size: Count
    trust: list[str]

    @property
    def folder(self) -> Path:
        """Of a run, or of several."""
        return Path(self.run).expanduser()


def parse_options(arguments: list[str]) -> Options:
    """The options; raises ConfigError for what the command line cannot mean."""
    return checked(Options, read_key_values("probe", arguments), "")


def default_options() -> Options:
    """Those of `conf/probe.yaml`, of no run."""
    return checked(Options, read_options("probe") | {"run": ""}, "")
