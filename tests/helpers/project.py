"""What all tests share: compose a configuration, build its parts, run the real `train.py`."""

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import torch
from torch import nn

from hourglass.config import compose
from hourglass.config.compose import options
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.compat.hydra import Application, Jobs, compose_sweep
from hourglass.nn import Autoencoder

__all__ = ["CONF", "ROOT", "TINY", "options"]
ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"

TINY = (
    "trainer.max_epochs=1", "trainer.limit_train_batches=6", "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1",
    "callbacks.checkerboards.images=8", "callbacks.image_grids.count=1", "callbacks.health.images=8", "channels=[4]",
    "data.eval_batch_size=50", "baselines=null", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false",
    "logger=none", "report=false",
)  # fmt: skip
"""Overrides of a run that takes a second."""

compose.register_resolvers()
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes that tests start: the suite itself may be several
torch.set_num_threads(1)


@cache
def _jobs() -> Jobs:
    """What composes once for all configurations that choose the same options, as a sweep does for its jobs."""
    application = Application(CONF, "train", ["-m", "sweep=null"])
    with application.loaded() as hydra:
        return Jobs(hydra, compose_sweep(hydra, application.name, application.overrides))


@cache
def configure(*overrides: str) -> Configuration:
    """The composed configuration, the same as that of `compose_train`: see tests/core/test_compat_hydra.py."""
    return Configuration.of(_jobs().compose(overrides))


def spatial(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """With `model=conv`, whose code keeps its place on the grid, unless a model or an experiment is chosen."""
    chosen = any(override.startswith(("model=", "experiment=")) for override in overrides)
    return overrides if chosen else ("model=conv", *overrides)


@cache
def parts(*overrides: str) -> Parts:
    """The parts of a configuration, a `spatial` one; other tests get the same."""
    return Parts(configure(*spatial(overrides)))


def autoencoder_for(image_shape: tuple[int, ...], *overrides: str) -> Autoencoder:
    torch.manual_seed(0)
    model: Autoencoder = parts(*overrides).autoencoder(image_shape)
    return model


def pair_for(image_shape: tuple[int, ...], encoder: str, decoder: str, *overrides: str) -> Autoencoder:
    """As `autoencoder_for`, with few compositions for many pairs."""
    torch.manual_seed(0)
    return parts(*overrides).model(
        image_shape,
        encoder=parts(f"encoder={encoder}", *overrides).encoder,
        latent=parts("latent=none", *overrides).latent,
        decoder=parts(f"decoder={decoder}", *overrides).decoder,
    )


def batch_of(shape: tuple[int, ...], n: int = 6) -> torch.Tensor:
    """Smooth images, so that 20 steps can learn something."""
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(n, shape[0], 4, 4, generator=generator)
    return nn.functional.interpolate(small, size=shape[1:], mode="bilinear")


def run_command(
    *arguments: str, cwd: Path = ROOT, timeout: float = 240, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A real process of the project; `environment` is added to that of the tests."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


def nobody_is_left(folder: Path) -> bool:
    """No process of this sweep is alive, some seconds after its end."""
    for _ in range(50):
        alive = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True).stdout.split()
        if not alive:
            return True
        time.sleep(0.1)
    return False


def run_train(folder: Path, *overrides: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python train.py …` into `folder`."""
    return run_command("train.py", f"hydra.run.dir={folder}", *overrides, **environment)
