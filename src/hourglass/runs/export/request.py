"""What `export` is asked for, and refusing to overwrite anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hourglass.config.key_values import OfRun, read_key_values
from hourglass.config.validation import checked
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded, refuse_to_replace

CARDS = (".md", ".json")
"""Endings of what lies beside an exported file."""


@dataclass(frozen=True)
class Options(OfRun):
    """`conf/export.yaml` with what the command line says."""

    format: Literal["safetensors", "pt2", "onnx"]
    part: Literal["autoencoder", "encoder", "decoder"]
    out: str | None
    overwrite: bool
    trust: list[str]

    @property
    def file(self) -> Path:
        """What is written."""
        if self.out is not None:
            return expanded(self.out)
        return Path("exports") / self.folder.resolve().name / f"{self.part}.{self.format}"

    @property
    def cards(self) -> list[Path]:
        """Beside it: for people, and for programs."""
        return [self.file.with_suffix(ending) for ending in CARDS]


def parse_options(arguments: list[str]) -> Options:
    """The options; raises ConfigError for what the command line cannot mean."""
    options = checked(Options, read_key_values("export", arguments), "")
    if options.file.suffix != f".{options.format}":
        raise ConfigError(f"out={options.out}: a file of format={options.format} ends in .{options.format}")
    return options


def refuse_to_overwrite(options: Options) -> None:
    """Raise DataError where something lies there, unless overwriting was asked for; a folder is never replaced."""
    for path in (options.file, *options.cards):
        refuse_to_replace(path, options.overwrite)
