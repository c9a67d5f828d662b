"""`train.py` with accidents: `SABOTAGE='[{"when": ["seed=1"], "rank": 1, "how": "raise"}]'` befalls the jobs it names.

how: raise, diverge, kill (SIGKILL, as by the out-of-memory killer), exit, slow (a tenth of a second a batch), term
(SIGTERM just before the first batch).
"""

import json
import os
import signal
import sys
import time
from dataclasses import replace
from typing import Any

from lightning.pytorch import Callback

from hourglass.cli import run
from hourglass.config.configuration import Configuration
from hourglass.runs import launch
from hourglass.runs.job import Job
from hourglass.runs.train import Setting

ACCIDENTS = json.loads(os.environ.get("SABOTAGE", "[]"))
unharmed = launch.train


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


def train(configuration: Configuration, job: Job, setting: Setting, notes: Any) -> float:
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    for accident in ACCIDENTS:
        if set(accident["when"]) <= set(job.overrides) and accident.get("rank", rank) == rank:
            if accident["how"] == "diverge":
                configuration = configuration.with_values({"optimizer.lr": 1e30, "model.output": "identity"})
            else:
                setting = replace(setting, callbacks=[*setting.callbacks, Accident(accident["how"])])
    return unharmed(configuration, job, setting, notes)


if __name__ == "__main__":
    launch.train = train
    sys.argv[0] = "train.py"
    run("train")
