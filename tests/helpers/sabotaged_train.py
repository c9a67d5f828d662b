"""`train.py` with accidents: `SABOTAGE='[{"when": ["seed=1"], "rank": 1, "how": "raise"}]'` befalls the jobs it names.

how: raise, diverge, kill (SIGKILL, as by the out-of-memory killer), exit, slow (a tenth of a second a batch), term
(SIGTERM just before the first batch).
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import hydra
from lightning.pytorch import Callback
from omegaconf import DictConfig, OmegaConf

from hourglass.cli import commands
from hourglass.runs import build
from hourglass.runs import train as run

ACCIDENTS = json.loads(os.environ.get("SABOTAGE", "[]"))
trained, built = run.train, build.callbacks


class Accident(Callback):
    def __init__(self, how: str) -> None:
        self.how = how

    def on_train_start(self, trainer: Any, module: Any) -> None:
        if self.how == "term":
            os.kill(os.getpid(), signal.SIGTERM)

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        if self.how == "slow":
            time.sleep(0.1)
        if batch_idx != 3:
            return
        if self.how == "raise":
            raise MemoryError("out of memory, as the test wants it")
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "exit":
            os._exit(7)


def train(config: DictConfig, job: Any, **options: Any) -> float:
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    for accident in ACCIDENTS:
        if set(accident["when"]) <= set(job.overrides) and accident.get("rank", rank) == rank:
            if accident["how"] == "diverge":
                config = OmegaConf.merge(config, {"optimizer": {"lr": 1e30}, "model": {"output": "identity"}})
            else:
                build.callbacks = lambda config, how=accident["how"]: [*built(config), Accident(how)]
    return trained(config, job, **options)


if __name__ == "__main__":
    run.train = train
    sys.argv[0] = "train.py"
    commands.main(hydra.main(str(Path(__file__).parents[2] / "conf"), "train", "1.3")(commands.train))
