"""What `sample` is asked for."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from hourglass.config.key_values import OfRun, read_key_values
from hourglass.config.validation import checked
from hourglass.core.types import Count, Seed


@dataclass(frozen=True)
class Options(OfRun):
    """`conf/sample.yaml` with what the command line says."""

    sampler: Literal["auto", "prior", "gmm", "flow", "frequencies"]
    n: Annotated[int, Field(ge=2)]
    seed: Seed
    train: Annotated[int, Field(ge=2)]
    dims: Count
    components: Count
    steps: Count
    batch_size: Count
    trust: list[str]


def parse_options(arguments: list[str]) -> Options:
    """The options; raises ConfigError for what the command line cannot mean."""
    return checked(Options, read_key_values("sample", arguments), "")
