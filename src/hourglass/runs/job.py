"""Who a run is: facts that the command line knows and the configuration does not; and what it tells the next one."""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One run to be carried out, alone or as part of a sweep."""

    folder: Path
    id: str
    choices: dict[str, str]
    """The option taken in each group: {"model": "conv", "decoder": "transpose", …}"""
    overrides: list[str] = field(default_factory=list)
    group: str | None = None
    """The sweep this run belongs to"""

    found_by: list[str] = field(default_factory=list)
    """What the command line says of where options of other packages are: ["--config-dir", "mylab/conf"]"""

    @property
    def name(self) -> str:
        return "{model}/{encoder}-{decoder}".format(**self.choices)

    @property
    def log_id(self) -> str:
        """What a logger knows it by: two runs of one configuration are two there, in two sweeps too."""
        name = self.group or re.sub(r"[^\w.+-]", "-", self.folder.name)
        return name if name.endswith(self.id) else f"{name}-{self.id}"


@dataclass
class Notes:
    """Filled in by a job, and handed to the next one."""

    messages: set[str] = field(default_factory=set)
    """What was said already and need not be repeated"""
    wandb_unreachable: bool = False
    """Log offline at once, and say nothing of it"""
