"""What `show` is asked for. No torch in here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hourglass.config.compose import options
from hourglass.config.key_values import read_key_values
from hourglass.config.slots import packages_in
from hourglass.config.validation import checked
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import meant
from hourglass.core.types import Count, Seed, Size

DEFAULT = ["transpose", "resize", "max_unpool"]
PNG, HTML = "show.png", "show.html"


@dataclass(frozen=True)
class Options:
    """`conf/show.yaml` with what the command line says."""

    decoders: list[str] | None
    encoder: str
    data: str
    image: Size | str
    side: Count
    steps: Count
    seed: Seed
    untrained: bool
    runs: str | None
    out: str

    @property
    def file(self) -> Path | None:
        """The picture of the user's own; None: it is a test image."""
        return expanded(self.image) if isinstance(self.image, str) else None

    @property
    def folder(self) -> Path:
        return expanded(self.out)


def parse_options(arguments: list[str]) -> Options:
    """The options; raises ConfigError for what the command line cannot mean, or would have no effect."""
    values = read_key_values("show", arguments)
    if values["decoders"] is not None:
        values["decoders"] = packages_in([values["decoders"]])
    made = checked(Options, values, "")
    given = {argument.partition("=")[0] for argument in arguments}
    if made.runs is not None:
        _refuse(given & {"encoder", "data", "side", "steps", "seed"}, "runs= shows what is trained already")
        if made.file is not None:
            raise ConfigError(
                f"image={made.image}: runs= shows the test images that the runs drew, so image= is a number; "
                "leave out runs= to train on your picture, or put it through a run with reconstruct"
            )
        return made
    _refuse(given & {"steps"} if made.untrained else set(), "untrained=true trains nothing")
    _refuse(given & ({"side"} if made.file is None else {"data"}), f"image={made.image} has no use for it")
    _refuse_unknown("decoder", DEFAULT if made.decoders is None else made.decoders, "decoders")
    _refuse_unknown("encoder", [made.encoder], "encoder")
    _refuse_unknown("data", [made.data], "data")
    return made


def _refuse(without_effect: set[str], why: str) -> None:
    if without_effect:
        raise ConfigError(f"{why}: leave out {'= and '.join(sorted(without_effect))}=")


def _refuse_unknown(group: str, names: Sequence[str], key: str) -> None:
    known = options(group)
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"{key}={','.join(names)}: name one or more, each once, such as {key}={','.join(DEFAULT)}")
    for name in names:
        if name not in known:
            instead = meant(name, known) or f"there are {', '.join(known)}"
            raise ConfigError(f"{key}={name} is no option of conf/{group}: {instead}")
