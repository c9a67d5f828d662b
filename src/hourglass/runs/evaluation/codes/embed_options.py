"""What `embed` is asked for, and refusing to overwrite anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hourglass.config.compose import options as known_options
from hourglass.config.key_values import OfRun, read_key_values
from hourglass.config.validation import checked
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded, refuse_to_replace
from hourglass.core.types import Count

ENDINGS = (".parquet", ".npz")
OWN = "run"
"""In place of an option of `conf/data`: the data set that the run was trained on."""


@dataclass(frozen=True)
class Options(OfRun):
    """`conf/embed.yaml` with what the command line says."""

    images: list[str] | None
    data: str | None
    root: str | None
    split: Literal["train", "val", "test", "all"]
    out: str
    fit: Literal["crop", "resize"]
    batch_size: Count
    overwrite: bool
    trust: list[str]

    @property
    def file(self) -> Path:
        """What is written."""
        return expanded(self.out)


def parse_options(arguments: list[str]) -> Options:
    """The options; raises ConfigError for what the command line cannot mean."""
    given = {argument.partition("=")[0] for argument in arguments}
    options = checked(Options, read_key_values("embed", arguments, "images"), "")
    if (options.images is None) == (options.data is None):
        raise ConfigError("say what to embed: either images=<file, folder or 'pattern'>, or data=run")
    idle = given & ({"root", "split"} if options.data is None else {"fit"})
    if options.data == OWN:
        idle |= given & {"root"}
    if idle:
        of = "images=" if options.data is None else f"data={options.data}"
        raise ConfigError(f"{min(idle)}= has no effect with {of}: leave it out")
    if options.data not in (None, OWN, *known_options("data")):
        raise ConfigError(f"data={options.data}: data is {OWN}, or one of {', '.join(known_options('data'))}")
    if options.file.suffix not in ENDINGS:
        raise ConfigError(f"out={options.out}: codes are written to a file that ends in {' or '.join(ENDINGS)}")
    return options


def refuse_to_overwrite(options: Options, files: list[Path]) -> None:
    """Raise before anything is read, where something lies there and overwriting was not asked for."""
    if options.file.resolve() in {file.resolve() for file in files}:
        raise ConfigError(f"out={options.out} is one of the pictures: choose another file")
    refuse_to_replace(options.file, options.overwrite)
