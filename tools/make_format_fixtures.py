"""Folders of the present format, for the tests of all later versions: a run, a killed run and a small sweep.

python tools/make_format_fixtures.py    writes tests/fixtures/format<N>, which must not be there yet

A later version must load, continue and report them. Made once for each format, and never again.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hourglass.core.formats import FORMAT

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "fixtures" / f"format{FORMAT}"
TINY = (
    "data=synthetic", "data.image_shape=[1,16,16]", "data.source.train=60", "data.source.test=12", "data.val_size=12",
    "data.batch_size=12", "channels=[2,4]", "trainer.max_epochs=2", "trainer.log_every_n_steps=1", "checkpoint_every=2",
    "callbacks.image_grids.count=2", "callbacks.checkerboards.images=12", "callbacks.examples.first=2",
    "callbacks.examples.each=1", "callbacks.health.images=4", "trainer=cpu", "trainer.enable_progress_bar=false",
    "logger=none", "report=false",
)  # fmt: skip
OF_THE_MACHINE = ("hydra.yaml", "multirun.yaml", "train.log", ".lock", "times.csv")
"""Files that say where and when a result was made, and nothing of it."""


def train(folder: Path, script: str, *overrides: str, **environment: str) -> None:
    command = [sys.executable, str(ROOT / script), *overrides, *TINY]
    subprocess.run(command, cwd=folder, env=os.environ | environment, check=False)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train(folder, "train.py", "model=denoising", "hydra.run.dir=run")
        killed = json.dumps([{"when": [], "how": "kill"}])
        train(folder, "tests/helpers/sabotaged_train.py", "model=vae", "hydra.run.dir=killed", SABOTAGE=killed)
        sweep = ("model=conv", "decoder=transpose,resize", "seed=0,1", "sweep=sweep", "hydra.sweep.dir=sweep")
        train(folder, "train.py", "-m", *sweep)
        for path in folder.rglob("*"):
            if path.name in OF_THE_MACHINE:
                path.unlink()
        for path in folder.glob("sweep/*/checkpoints/last.ckpt"):  # to keep it small: nothing there is to be continued
            path.unlink()
        for name in ("run", "killed", "sweep"):
            shutil.copytree(folder / name, FOLDER / name)


if __name__ == "__main__":
    main()
