"""What `reconstruct` is asked for, and refusing to overwrite anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hourglass.config.key_values import read_key_values
from hourglass.config.validation import checked
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import expanded

COMPARISONS = "comparisons"
Fit = Literal["resize", "crop", "tile"]


@dataclass(frozen=True)
class Options:
    """`conf/reconstruct.yaml` with what the command line says."""

    run: str
    images: list[str]
    out: str
    fit: Fit
    compare: bool
    overwrite: bool
    trust: list[str]

    @property
    def folder(self) -> Path:
        return expanded(self.out)


def parse_options(arguments: list[str]) -> Options:
    """The options; raises ConfigError for what the command line cannot mean."""
    several = "; several pictures are images=a.png images=b.png, a folder, or a pattern in quotes: images='*.png'"
    values = read_key_values("reconstruct", arguments, "images", several)
    return checked(Options, values, "")


def refuse_to_overwrite(names: Mapping[Path, str], options: Options) -> None:
    """Raise before anything is read: inputs are never overwritten, earlier outputs only where that was asked for."""
    out = options.folder
    written_to = {out.resolve(), (out / COMPARISONS).resolve()}
    if inside := next((file for file in names if file.resolve().parent in written_to), None):
        raise ConfigError(f"{inside} lies in out={out}: choose another folder for what is written")
    folders = [out, out / COMPARISONS] if options.compare else [out]
    there = [folder / name for name in names.values() for folder in folders if (folder / name).exists()]
    if there and not options.overwrite:
        raise DataError(f"{there[0]} exists ({len(there)} such files): choose another out=, or overwrite=true")
