"""One process a rank: how a run is started, watched and stopped. Torch is imported when the first job starts.

Each job of a sweep, and each rank of a job, is forked from a process that has imported everything and touched no
device: it has its own state, environment, random numbers and W&B run, and starts in a tenth of a second.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Job:
    """Who a run is: facts that Hydra knows and the configuration does not."""

    folder: Path
    id: str
    choices: dict[str, str]
    """The option taken in each group: {"model": "conv", "decoder": "transpose", …}"""
    overrides: list[str] = field(default_factory=list)
    group: str | None = None
    """The sweep this run belongs to."""

    @property
    def name(self) -> str:
        return "{model}/{encoder}-{decoder}".format(**self.choices)

    @property
    def log_id(self) -> str:
        """What a logger knows it by: two runs of one configuration are two there, in two sweeps too."""
        name = self.group or re.sub(r"[^\w.+-]", "-", self.folder.name)
        return name if name.endswith(self.id) else f"{name}-{self.id}"
